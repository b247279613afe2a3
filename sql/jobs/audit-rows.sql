-- The occurrences of a job by their due times, a page at a time.
-- $1 job, $2 after this time, $3 up to this one, $4 rows. TimescaleDB: not needed.
-- `retry`: no daemon works on it and another attempt is due. Attempts are those that failed: none, where a daemon that
-- stopped gave the occurrence back.
select l.id, l.scheduled_at, l.started_at,
  case when l.status = 'running' and l.claimed_by is null then 'retry' else l.status end as status, l.reason, l.attempts,
  l.status = 'running' and l.lease_until < clock_timestamp() - interval '2 minutes' as abandoned
from qicore.maintenance_log l
where l.job = $1 and l.scheduled_at > $2 and l.scheduled_at <= $3
order by l.scheduled_at
limit $4
