-- Claims a job for a run by hand: inserts a row without a due time. No row if the job is already running.
-- $1 job, $2 operation, $3 who claims, $4 lease in seconds, $5 actor, $6 host of the target. TimescaleDB: not needed.
with held as (
  update qicore.job set running = nextval('qicore.claim_token') where name = $1 and running is null
  returning name, running
)
insert into qicore.maintenance_log (operation, job, status, attempts, token, claimed_by, lease_until, started_at, actor, target_host)
select $2, held.name, 'running', 1, held.running, $3, clock_timestamp() + $4::float8 * interval '1 second', qicore.now(), $5, $6
from held
returning id, token, started_at
