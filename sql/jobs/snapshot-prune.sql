-- Deletes the oldest snapshots.
-- $1 date: the first day that is kept, $2 the most rows to delete. TimescaleDB: not needed.
delete from qicore.size_snapshot
where ctid = any (array(select s.ctid from qicore.size_snapshot s where s.day < $1::date order by s.day limit $2))
