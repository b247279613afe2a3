-- The occurrences of a job by their instants, a page at a time.
-- $1 job, $2 after this instant, $3 up to this one, $4 rows. TimescaleDB: not needed.
-- `retry`: a try has failed, and the next one has not begun.
select l.id, l.scheduled_at, l.started_at,
  case when l.status = 'running' and l.claimed_by is null then 'retry' else l.status end as status, l.reason, l.attempts,
  l.status = 'running' and l.lease_until < clock_timestamp() - interval '2 minutes' as abandoned
from qicore.maintenance_log l
where l.job = $1 and l.scheduled_at > $2 and l.scheduled_at <= $3
order by l.scheduled_at
limit $4
