-- Checks that this daemon still holds a claim, and keeps it until the transaction ends: KEY SHARE allows the heartbeat to
-- update the row but prevents a takeover. If the daemon is silent within the transaction for $3, the server ends it.
-- User SQL can read the job and the due time (for a run by hand, the start time): current_setting('qicore.job').
-- If the claim is lost, it raises division_by_zero, which aborts every statement pipelined behind it.
-- $1 log id, $2 token, $3 milliseconds. TimescaleDB: not needed.
with held as (
  select l.job, l.scheduled_at, l.started_at from qicore.maintenance_log l
  where l.id = $1 and l.token = $2 and l.status = 'running'
  for key share
)
select 1 / count(*) as held,
  min(set_config('idle_in_transaction_session_timeout', $3::text, true)),
  min(set_config('qicore.job', job, true)),
  min(set_config('qicore.scheduled_at', coalesce(scheduled_at, started_at)::text, true))
from held
