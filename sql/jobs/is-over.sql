-- Whether the server has ended the step of an occurrence whose connection was closed. A running step holds a lock on the
-- row, so SKIP LOCKED skips it; once it is locked here, no step of this claim can start before this transaction ends.
-- Query the step itself only afterwards, because an older snapshot does not show what committed in between.
-- $1 log id, $2 token, $3 pid of the server process, null where unknown, $4 when that was started. TimescaleDB: not needed.
with locked as materialized (
  select l.id from qicore.maintenance_log l where l.id = $1 and l.token = $2 and l.status = 'running' for update skip locked
)
select exists (select from locked) as locked,
  exists (select from qicore.maintenance_log l where l.id = $1 and l.token = $2 and l.status = 'running') as ours,
  exists (select from pg_stat_activity a where a.pid = $3::int and coalesce(a.backend_start = $4::timestamptz, true)) as alive
