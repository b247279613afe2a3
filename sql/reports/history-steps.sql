-- The steps of one run, in order.
-- $1 log id. TimescaleDB: not needed.
select s.step, s.position, s.status, s.started_at, s.completed_at, s.attempts, s.bytes, s.detail ->> 'note' as note, s.error,
  s.detail ->> 'sqlState' as sql_state
from qicore.maintenance_step s
where s.log_id = $1
order by s.position, s.step
