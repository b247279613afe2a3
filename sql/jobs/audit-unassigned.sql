-- Runs of a job that carry no instant: pg_cron's, and those by hand. One whose session is gone without a word has failed.
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
