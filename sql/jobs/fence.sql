-- Shows that a claim is still ours and keeps it so until this transaction ends: KEY SHARE lets the heartbeat update
-- the row and lets no other daemon take it over. A daemon that falls silent in the middle of a transaction loses it after $3.
-- The job and the time that the run is for (of a run by hand: when it began) can be read by the user's own SQL: current_setting('qicore.job').
-- Where it is not ours this divides by zero: what was sent along with it fails too.
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
