-- Runs of a job without a due time: by pg_cron and by hand. A run whose session ended without a result counts as failed.
-- $1 job, $2 from, $3 to. TimescaleDB: not needed.
select l.id, l.started_at, l.application, l.actor, l.reason, l.detail ->> 'part' as part,
  case when gone.yes then 'failed' else l.status end as status, case when gone.yes then l.started_at else l.completed_at end as completed_at
from qicore.maintenance_log l
cross join lateral (
  select l.status = 'running' and l.detail ? 'pid'
    and not exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::int and a.application_name in ('', l.application)) as yes
) gone
where l.job = $1 and l.scheduled_at is null and l.started_at >= $2 and l.started_at <= $3 and l.token is null
order by l.started_at
