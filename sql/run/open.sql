-- Opens the record of a run that a user or a script started; scheduled occurrences are claimed instead.
-- $1 operation, $2 actor, $3 host of the target, $4 the request as JSON text, $5 whether backend pids identify a session
-- (false behind a pooler and on the embedded engine), $6 lease in seconds. TimescaleDB: not needed.
insert into qicore.maintenance_log (operation, actor, target_host, detail, status, started_at, lease_until)
values (
  $1, $2, $3, $4::jsonb || case when $5 then jsonb_build_object('pid', pg_backend_pid()) else '{}' end,
  'running', clock_timestamp(), clock_timestamp() + $6 * interval '1 second'
)
returning id
