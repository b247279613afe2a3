-- Reclaims the claim of one job for a run by hand: an expired one, or one that was released, also before its retry is due.
-- While a step of the old holder is still running in the server, its transaction locks the row and SKIP LOCKED skips it.
-- $1 job, $2 who claims, $3 lease in seconds, $4 whether no other process can exist (embedded). TimescaleDB: not needed.
-- Rows: id, token, job, scheduled_at, started_at, attempts, claimed_before (null if released), error, state of the job.
with free as materialized (
  select l.id, l.job, l.claimed_by, c.state
  from qicore.maintenance_log l
  join qicore.job j on j.name = l.job and j.running = l.token
  join qicore.job_schedule c on c.job = j.name and c.revision = j.revision
  where l.job = $1 and l.status = 'running' and (l.lease_until < clock_timestamp() or l.claimed_by is null or $4)
  for update of l skip locked
), taken as (
  update qicore.maintenance_log l
  set token = nextval('qicore.claim_token'), claimed_by = $2, attempts = l.attempts + 1,
    lease_until = clock_timestamp() + $3::float8 * interval '1 second'
  from free where l.id = free.id
  returning l.id, l.token, l.job, l.scheduled_at, l.started_at, l.attempts, l.error
), marked as (
  update qicore.job j set running = taken.token from taken where j.name = taken.job
)
select taken.*, free.claimed_by as claimed_before, free.state
from taken join free on free.id = taken.id
