-- Reclaims claims whose lease has expired: of a daemon that died, or released and due for a retry. While a step of the old
-- holder is still running in the server, its transaction locks the row and SKIP LOCKED skips it.
-- $1 text[] of this daemon's jobs, $2 daemon, $3 lease in seconds, $4 the most claims,
-- $5 whether no other process can exist (embedded), $6 whether the claims are for runs by hand: then a released one is
-- reclaimed before its retry is due, and no other job is looked after. TimescaleDB: not needed.
-- Rows: id, token, job, scheduled_at, started_at, attempts, claimed_before (null if released), error, state of the job.
with free as materialized (
  select l.id, l.job, l.token, l.claimed_by, c.state
  from qicore.maintenance_log l
  join qicore.job j on j.name = l.job and j.running = l.token
  join qicore.job_schedule c on c.job = j.name and c.revision = j.revision
  where l.status = 'running' and (l.lease_until < clock_timestamp() or ($5 and l.claimed_by is not null) or ($6 and l.claimed_by is null))
    and (l.job = any ($1::text[]) or (c.state <> 'active' and not $6))
  order by l.lease_until
  limit $4
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
