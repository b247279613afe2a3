-- Occurrences and runs by hand and by pg_cron, newest first. A run whose session ended without a result counts as failed.
-- `retry`: an attempt failed, or a stopping daemon released the occurrence (attempts is 0); it starts again at retry_at.
-- `sql_state`: that of the first failed step.
-- $1 text[] of jobs, null for all, $2 from this time on, null for all, $3 only these statuses, null for all, $4 rows,
-- $5 only the run with this id, null for all.
-- TimescaleDB: not needed.
select l.id, l.job, l.operation, l.scheduled_at, l.started_at, l.completed_at, state.status, l.reason, l.attempts, l.claimed_by,
  case when state.status = 'retry' then l.lease_until end as retry_at,
  l.actor, l.application, l.error, l.detail, l.token, failed.sql_state
from qicore.maintenance_log l
cross join lateral (
  select l.status = 'running' and l.token is null and l.detail ? 'pid'
    and not exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::int and a.application_name in ('', l.application)) as yes
) gone
cross join lateral (
  select case when gone.yes then 'failed' when l.status = 'running' and l.token is not null and l.claimed_by is null then 'retry' else l.status end as status
) state
left join lateral (
  select s.detail ->> 'sqlState' as sql_state from qicore.maintenance_step s
  where s.log_id = l.id and s.status = 'failed' and s.detail ? 'sqlState' order by s.position limit 1
) failed on true
where l.job is not null
  and ($1::text[] is null or l.job = any ($1))
  and ($2::timestamptz is null or coalesce(l.scheduled_at, l.started_at) >= $2)
  and ($3::text[] is null or state.status = any ($3))
  and ($5::bigint is null or l.id = $5)
order by coalesce(l.scheduled_at, l.started_at) desc nulls last, l.id desc
limit $4
