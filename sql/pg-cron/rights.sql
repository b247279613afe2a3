-- The privileges of a role on pg_cron, read in the database of pg_cron; null if this version lacks the function.
-- $1 role, null for the current user. TimescaleDB: not needed. pg_cron: 1.3. One row.
select me.role, e.extversion as version, has_schema_privilege(me.role, n.oid, 'usage') as usage,
  (select bool_or(has_function_privilege(me.role, p.oid, 'execute')) from pg_proc p where p.pronamespace = n.oid and p.proname = 'schedule' and p.pronargs = 3) as schedule,
  (select bool_or(has_function_privilege(me.role, p.oid, 'execute')) from pg_proc p where p.pronamespace = n.oid and p.proname = 'unschedule') as unschedule,
  (select bool_or(has_function_privilege(me.role, p.oid, 'execute')) from pg_proc p where p.pronamespace = n.oid and p.proname = 'schedule_in_database') as elsewhere,
  (select setting from pg_settings where name = 'cron.timezone') as timezone,
  coalesce((select setting::boolean from pg_settings where name = 'cron.match_dom_and_dow'), false) as matches_both_days,
  (select rolcanlogin from pg_roles where rolname = me.role) as can_login,
  exists (select from pg_stat_activity a where a.application_name = 'pg_cron scheduler') as alive
from pg_extension e
cross join (select coalesce($1::name, current_user) as role) me
join pg_namespace n on n.nspname = 'cron'
where e.extname = 'pg_cron'
