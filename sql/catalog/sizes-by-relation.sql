-- Exact bytes of tables with their indexes and TOAST, and of the indexes alone if requested. Opens each relation under
-- ACCESS SHARE and releases it at once; null if the relation does not exist.
-- $1 oid[] of tables, $2 whether the indexes are wanted. TimescaleDB: not needed.
select oid::int8 as relation, pg_total_relation_size(oid) as bytes, case when $2::bool then pg_indexes_size(oid) end as index_bytes
from unnest($1::oid[]) as wanted (oid)
