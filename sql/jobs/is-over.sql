-- Whether the server is through with an occurrence whose connection was given up. A step that is still at work holds the
-- key of the row, which is then not locked here; once it is, no step of this claim can begin any more before this
-- transaction ends. Ask for the step itself only afterwards: what committed meanwhile is in no older snapshot.
-- $1 log id, $2 token, $3 pid of the server process, null where unknown, $4 when that was started. TimescaleDB: not needed.
with locked as materialized (
  select l.id from qicore.maintenance_log l where l.id = $1 and l.token = $2 and l.status = 'running' for update skip locked
)
select exists (select from locked) as locked,
  exists (select from qicore.maintenance_log l where l.id = $1 and l.token = $2 and l.status = 'running') as ours,
  exists (select from pg_stat_activity a where a.pid = $3::int and coalesce(a.backend_start = $4::timestamptz, true)) as alive
