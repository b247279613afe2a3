-- Terminates one server process, identified by pid and start time. No row if it is already gone.
-- $1 pid, $2 when it was started. TimescaleDB: not needed.
select pg_terminate_backend(a.pid) as asked from pg_stat_activity a where a.pid = $1 and a.backend_start = $2
