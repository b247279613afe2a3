-- Releases the run locks. A lock that another run has taken over is not touched.
-- $1 text[] of names, $2 bigint[] of their tokens. TimescaleDB: not needed.
update qicore.run_lock l set released_at = clock_timestamp(), backend_pid = null
from unnest($1::text[], $2::bigint[]) as mine (name, token)
where l.name = mine.name and l.token = mine.token
