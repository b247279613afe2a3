-- Occurrences, runs by hand and by pg_cron, newest first.
-- $1 text[] of jobs, null for all, $2 from this instant on, null for all, $3 only these statuses, null for all, $4 rows.
-- TimescaleDB: not needed.
select l.id, l.job, l.operation, l.scheduled_at, l.started_at, l.completed_at, l.status, l.reason, l.attempts, l.claimed_by,
  l.actor, l.application, l.error, l.detail
from qicore.maintenance_log l
where l.job is not null
  and ($1::text[] is null or l.job = any ($1))
  and ($2::timestamptz is null or coalesce(l.scheduled_at, l.started_at) >= $2)
  and ($3::text[] is null or l.status = any ($3))
order by coalesce(l.scheduled_at, l.started_at) desc nulls last, l.id desc
limit $4
