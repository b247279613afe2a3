-- Whether an earlier attempt has done a step of this occurrence: its row was written in the step's own transaction.
-- $1 log id, $2 step id. TimescaleDB: not needed.
select exists (
  select from qicore.maintenance_step s where s.log_id = $1 and s.step = $2 and s.status = 'done'
) as done
