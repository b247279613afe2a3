-- Renews the leases of all claims of one daemon. Returns the ids of those that it still holds.
-- $1 bigint[] of log ids, $2 bigint[] of their tokens, $3 lease in seconds. TimescaleDB: not needed.
update qicore.maintenance_log l
set lease_until = clock_timestamp() + $3::float8 * interval '1 second'
from unnest($1::bigint[], $2::bigint[]) as mine (id, token)
where l.id = mine.id and l.token = mine.token and l.status = 'running'
returning l.id
