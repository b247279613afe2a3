-- The objects whose size is already recorded for a day.
-- $1 date. TimescaleDB: not needed. One row for each of them.
select s.object_kind, s.schema, s.name from qicore.size_snapshot s where s.day = $1::date
