-- Runs that pg_cron should have started and has not: for each of its jobs the last due time that is overdue by more than
-- the grace, and each part without a run since then and without one now. Due times are those that daemons recorded.
-- $1 text[] of jobs, $2 float8[] of their grace in seconds, $3 the reason that daemons record for due times of pg_cron.
-- TimescaleDB: not needed. Rows: job, part, due; and one row with job null if pg_cron's scheduler is not running.
select w.job, p.part, due.at as due
from unnest($1::text[], $2::float8[]) as w (job, grace)
join qicore.job j on j.name = w.job
join qicore.job_schedule c on c.job = j.name and c.revision = j.revision and c.state = 'active' and c.runner = 'pg_cron'
cross join lateral (
  select l.scheduled_at as at
  from qicore.maintenance_log l
  where l.job = w.job and l.scheduled_at > c.valid_from and l.scheduled_at <= qicore.now() - w.grace * interval '1 second'
    and l.reason = $3
  order by l.scheduled_at desc
  limit 1
) due
cross join lateral jsonb_object_keys(coalesce(c.commands, '{"": null}')) as p (part)
where not exists (
  select from qicore.maintenance_log l
  where l.job = w.job and l.started_at >= due.at and l.scheduled_at is null and l.token is null
    and coalesce(l.detail ->> 'part', '') = p.part and l.application like 'pg\_cron%'
) and not exists (
  select from qicore.maintenance_log l
  where l.job = w.job and l.status = 'running' and l.token is null and coalesce(l.detail ->> 'part', '') = p.part
    and exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::int and a.application_name in ('', l.application))
)
union all
select null, null, null
where not exists (select from pg_stat_activity a where a.application_name = 'pg_cron scheduler')
order by 1, 2
