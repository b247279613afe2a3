-- Renews the lease of the run locks and updates their backend pid, which changes after a reconnect.
-- $1 text[] of names, $2 bigint[] of their tokens, $3 lease in seconds, $4 whether backend pids identify a session
-- (false behind a pooler and on the embedded engine). TimescaleDB: not needed.
update qicore.run_lock l
set lease_until = clock_timestamp() + $3 * interval '1 second', backend_pid = case when $4 then pg_backend_pid() end
from unnest($1::text[], $2::bigint[]) as mine (name, token)
where l.name = mine.name and l.token = mine.token and l.released_at is null
returning l.name
