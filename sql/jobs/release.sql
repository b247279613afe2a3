-- Releases a claim, which any daemon may then reclaim: at once after a stop, after a delay for a retry.
-- $1 log id, $2 token, $3 delay in seconds, $4 error, $5 number of attempts that do not count. TimescaleDB: not needed.
with given as (
  update qicore.maintenance_log l
  set token = nextval('qicore.claim_token'), claimed_by = null, attempts = l.attempts - $5::int, error = coalesce($4, l.error),
    lease_until = clock_timestamp() + $3::float8 * interval '1 second'
  where l.id = $1 and l.token = $2 and l.status = 'running'
  returning l.job, l.token
), advanced as (
  update qicore.job j set running = given.token from given where j.name = given.job and j.running = $2
)
select token from given
