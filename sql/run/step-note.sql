-- Adds the warnings that the server sent during a step to the row that was written with the step.
-- $1 log id, $2 step id, $3 note. TimescaleDB: not needed.
update qicore.maintenance_step
set detail = coalesce(detail, '{}') || jsonb_build_object('note', $3::text)
where log_id = $1 and step = $2
