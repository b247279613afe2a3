-- Records the due times of several jobs: skips some and claims one run for each job. A job is left unchanged if another
-- daemon has it locked, if its schedule or last_at has changed, or if due_at has not passed by the database's clock. A
-- claim requires that the job is not running; a skip does not.
-- $1 jsonb array of {job, operation, revision, last_at, to_at, due_at, scheduled_at: due time or null, skips: [{at, reason}]},
-- $2 daemon, $3 lease in seconds, $4 actor, $5 host of the target. TimescaleDB: not needed.
-- One row for each changed job: id, token, started_at (null if it only skipped), late in seconds, now.
with request as materialized (
  select r.* from jsonb_to_recordset($1::jsonb) as r (
    job text, operation text, revision bigint, last_at timestamptz, to_at timestamptz, due_at timestamptz, scheduled_at timestamptz, skips jsonb
  )
), held as materialized (
  -- SKIP LOCKED: a daemon need not wait for another one here, because both would do the same.
  select j.name from qicore.job j join request r on r.job = j.name
  where j.revision = r.revision and j.last_at = r.last_at
  order by j.name
  for update of j skip locked
), advanced as (
  update qicore.job j
  set last_at = r.to_at, running = case when r.scheduled_at is null then j.running else nextval('qicore.claim_token') end
  from request r join held h on h.name = r.job
  where j.name = r.job and j.revision = r.revision and j.last_at = r.last_at
    and r.due_at <= qicore.now() and (r.scheduled_at is null or j.running is null)
  returning j.name, j.running as token, r.operation, r.scheduled_at, r.due_at, r.skips
), skipped as (
  insert into qicore.maintenance_log (operation, job, scheduled_at, status, reason, completed_at, claimed_by, actor, target_host)
  select a.operation, a.name, s.at, 'skipped', s.reason, qicore.now(), $2, $4, $5
  from advanced a cross join lateral jsonb_to_recordset(a.skips) as s (at timestamptz, reason text)
), claimed as (
  insert into qicore.maintenance_log
    (operation, job, scheduled_at, status, attempts, token, claimed_by, lease_until, started_at, actor, target_host)
  select a.operation, a.name, a.scheduled_at, 'running', 1, a.token, $2,
    clock_timestamp() + $3::float8 * interval '1 second', qicore.now(), $4, $5
  from advanced a where a.scheduled_at is not null
  returning id, job, token, started_at
)
select a.name as job, c.id, c.token, c.started_at,
  extract(epoch from c.started_at - a.due_at)::float8 as late, qicore.now() as now
from advanced a left join claimed c on c.job = a.name
