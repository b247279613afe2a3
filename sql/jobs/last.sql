-- The last ended run of each job, by the job's current runner. Due times that a daemon recorded as left to pg_cron, without
-- a claim, are not runs; a claimed run that found its work done by pg_cron is one.
-- $1 the reason that daemons record for due times of pg_cron. TimescaleDB: not needed.
select j.name, l.status, l.reason, l.error, l.scheduled_at, l.started_at, l.completed_at
from qicore.job j
join qicore.job_schedule c on c.job = j.name and c.revision = j.revision
left join lateral (
  (
    select m.* from qicore.maintenance_log m
    where m.job = j.name and m.scheduled_at is not null and m.status <> 'running' and (m.token is not null or m.reason is distinct from $1)
    order by m.scheduled_at desc
    limit 1
  )
  union all
  (
    select m.* from qicore.maintenance_log m
    where c.runner = 'pg_cron' and m.job = j.name and m.scheduled_at is null and m.token is null and m.application like 'pg\_cron%' and m.status <> 'running'
    order by m.started_at desc
    limit 1
  )
  order by started_at desc nulls last
  limit 1
) l on true
order by j.name
