-- One page of a job's occurrences, ordered by due time.
-- $1 job, $2 after this time, $3 up to this one, $4 rows. TimescaleDB: not needed.
-- `retry`: another attempt is due and no daemon has started it. `attempts` counts failed attempts: 0 if a stopping daemon
-- released the occurrence.
select l.id, l.scheduled_at, l.started_at,
  case when l.status = 'running' and l.claimed_by is null then 'retry' else l.status end as status, l.reason, l.attempts,
  l.status = 'running' and l.lease_until < known.until - interval '2 minutes' as abandoned
from qicore.maintenance_log l
cross join lateral (
  select case when pg_is_in_recovery() then coalesce(pg_last_xact_replay_timestamp(), l.lease_until) else clock_timestamp() end as until
) known
where l.job = $1 and l.scheduled_at > $2 and l.scheduled_at <= $3
order by l.scheduled_at
limit $4
