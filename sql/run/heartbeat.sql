-- Renews the lease of a run and updates its backend pid, which changes after a reconnect.
-- $1 log id, $2 whether backend pids identify a session (false behind a pooler and on the embedded engine),
-- $3 lease in seconds. TimescaleDB: not needed.
update qicore.maintenance_log l
set lease_until = clock_timestamp() + $3 * interval '1 second',
  detail = case when $2 then coalesce(l.detail, '{}') || jsonb_build_object('pid', pg_backend_pid()) else l.detail end
where l.id = $1 and l.status = 'running'
