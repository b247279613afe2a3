-- The live daemons of this database.
-- No parameters. TimescaleDB: not needed.
select d.id, d.host, d.pid, d.version, d.started_at, d.seen_at
from qicore.daemon d
where d.stopped_at is null and d.seen_at > clock_timestamp() - interval '2 minutes'
order by d.started_at
