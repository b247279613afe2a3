-- What pg_cron should have begun and has not: of each job that is pg_cron's the last instant whose time of grace is over,
-- for each part of it that has no run since and none at work. Instants are known by what daemons wrote down at them.
-- $1 text[] of jobs, $2 float8[] of their grace in seconds, $3 the reason that daemons
-- write where they leave a due time to pg_cron. TimescaleDB: not needed. Rows: job, part, due; and once, with
-- job null, where pg_cron's scheduler is not running in this server.
select w.job, p.part, due.at as due
from unnest($1::text[], $2::float8[]) as w (job, grace)
join qicore.job j on j.name = w.job
join qicore.job_calendar c on c.job = j.name and c.revision = j.revision and c.state = 'active' and c.runner = 'pg_cron'
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
