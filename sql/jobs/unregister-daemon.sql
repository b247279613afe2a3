-- Records that a daemon has stopped, and deletes daemons not seen for 30 days.
-- $1 id. TimescaleDB: not needed.
with old as (delete from qicore.daemon where seen_at < clock_timestamp() - interval '30 days' and id <> $1)
update qicore.daemon set stopped_at = clock_timestamp(), seen_at = clock_timestamp() where id = $1
