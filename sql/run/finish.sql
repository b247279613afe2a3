-- Records how a run ended, even if it was recorded as lost in the meantime.
-- $1 log id, $2 status, $3 error. TimescaleDB: not needed.
-- A qicore schema before core.1.14.0 accepts only the former name of partial.
update qicore.maintenance_log l
set status = case when $2 = 'partial' and to_regproc('qicore.rename_status') is null then 'partly' else $2 end, error = $3, detail = l.detail - 'reason', completed_at = clock_timestamp(), attempts = 1
where id = $1
