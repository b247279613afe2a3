-- The number of ended rows in the ledger that are older than an interval.
-- $1 interval text, $2 bigint[] of runs that are recorded as running but whose session is gone. TimescaleDB: not needed.
select count(*) as rows
from qicore.maintenance_log l
where coalesce(l.scheduled_at, l.started_at, l.completed_at) < qicore.now() - $1::interval and (l.status <> 'running' or l.id = any ($2::bigint[]))
