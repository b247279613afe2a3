-- The daemon that was seen last in this database, even if it has stopped or was killed.
-- No parameters. TimescaleDB: not needed. One row or none.
select d.id, d.seen_at, d.stopped_at
from qicore.daemon d
order by d.seen_at desc
limit 1
