-- Closes the page of a run, also one that was taken for lost meanwhile.
-- $1 log id, $2 status, $3 error. TimescaleDB: not needed.
update qicore.maintenance_log l
set status = $2, error = $3, detail = l.detail - 'reason', completed_at = clock_timestamp(), attempts = 1
where id = $1
