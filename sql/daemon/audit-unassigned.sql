-- Runs of a job that carry no instant: pg_cron's, and those by hand.
-- $1 job, $2 from, $3 to. TimescaleDB: not needed.
select l.id, l.started_at, l.status, l.application, l.actor
from qicore.maintenance_log l
where l.job = $1 and l.scheduled_at is null and l.started_at >= $2 and l.started_at <= $3 and l.token is null
order by l.started_at
