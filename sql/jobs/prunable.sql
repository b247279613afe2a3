-- How many ended rows of the ledger are older than a time.
-- $1 interval text, $2 bigint[] of runs that are recorded as running and have ended. TimescaleDB: not needed.
select count(*) as rows
from qicore.maintenance_log l
where coalesce(l.scheduled_at, l.started_at, l.completed_at) < qicore.now() - $1::interval and (l.status <> 'running' or l.id = any ($2::bigint[]))
