-- Closes the page of a run.
-- $1 log id, $2 status, $3 error. TimescaleDB: not needed.
update qicore.maintenance_log
set status = $2, reason = null, error = $3, completed_at = clock_timestamp(), attempts = 1
where id = $1
