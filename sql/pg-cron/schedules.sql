-- The schedules of active entries of pg_cron that this role sees, and whether it sees those of all roles. One row.
-- No parameters. TimescaleDB: not needed. pg_cron: 1.3.
select coalesce(array_agg(distinct j.schedule) filter (where j.active), '{}') as schedules,
  (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as complete
from cron.job j
