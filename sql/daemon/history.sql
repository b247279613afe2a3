-- Occurrences, runs by hand and by pg_cron, newest first. A run whose session is gone without a word has failed.
-- $1 text[] of jobs, null for all, $2 from this instant on, null for all, $3 only these statuses, null for all, $4 rows.
-- TimescaleDB: not needed.
select l.id, l.job, l.operation, l.scheduled_at, l.started_at, l.completed_at, case when gone.yes then 'failed' else l.status end as status, l.reason, l.attempts, l.claimed_by,
  l.actor, l.application, l.error, l.detail
from qicore.maintenance_log l
cross join lateral (
  select l.status = 'running' and l.token is null and l.detail ? 'pid'
    and not exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::int and a.application_name in ('', l.application)) as yes
) gone
where l.job is not null
  and ($1::text[] is null or l.job = any ($1))
  and ($2::timestamptz is null or coalesce(l.scheduled_at, l.started_at) >= $2)
  and ($3::text[] is null or case when gone.yes then 'failed' else l.status end = any ($3))
order by coalesce(l.scheduled_at, l.started_at) desc nulls last, l.id desc
limit $4
