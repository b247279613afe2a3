-- Accounts for instants of several jobs at once and claims what is to be run. A job that another daemon is at just
-- now, whose calendar has changed, that has been accounted for further already, or whose time has not come by the
-- database's clock, is left as it is. A claim needs that nothing of the job runs; skipping does not.
-- $1 jsonb array of {job, operation, revision, last_at, to_at, due_at, run_at: instant or null, skips: [{at, reason}]},
-- $2 daemon, $3 lease in seconds, $4 actor, $5 host of the target. TimescaleDB: not needed.
-- A row for each job that moved: id, token, started_at (null where it only skipped), late in seconds, now.
with wish as materialized (
  select w.* from jsonb_to_recordset($1::jsonb) as w (
    job text, operation text, revision bigint, last_at timestamptz, to_at timestamptz, due_at timestamptz, run_at timestamptz, skips jsonb
  )
), held as materialized (
  -- A daemon that meets another one here need not wait: both do the same.
  select j.name from qicore.job j join wish w on w.job = j.name
  where j.revision = w.revision and j.last_at = w.last_at
  order by j.name
  for update of j skip locked
), moved as (
  update qicore.job j
  set last_at = w.to_at, running = case when w.run_at is null then j.running else nextval('qicore.claim_token') end
  from wish w join held h on h.name = w.job
  where j.name = w.job and j.revision = w.revision and j.last_at = w.last_at
    and w.due_at <= qicore.now() and (w.run_at is null or j.running is null)
  returning j.name, j.running as token, w.operation, w.run_at, w.due_at, w.skips
), skipped as (
  insert into qicore.maintenance_log (operation, job, scheduled_at, status, reason, completed_at, claimed_by, actor, target_host)
  select m.operation, m.name, s.at, 'skipped', s.reason, qicore.now(), $2, $4, $5
  from moved m cross join lateral jsonb_to_recordset(m.skips) as s (at timestamptz, reason text)
), claimed as (
  insert into qicore.maintenance_log
    (operation, job, scheduled_at, status, attempts, token, claimed_by, lease_until, started_at, actor, target_host)
  select m.operation, m.name, m.run_at, 'running', 1, m.token, $2,
    clock_timestamp() + $3::float8 * interval '1 second', qicore.now(), $4, $5
  from moved m where m.run_at is not null
  returning id, job, token, started_at
)
select m.name as job, c.id, c.token, c.started_at,
  extract(epoch from c.started_at - m.due_at)::float8 as late, qicore.now() as now
from moved m left join claimed c on c.job = m.name
