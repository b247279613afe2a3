-- Exact bytes of tables with their indexes and TOAST, and of their indexes alone where that is asked. Opens each
-- relation under ACCESS SHARE and lets it go at once; null for one that is gone.
-- $1 oid[] of tables, $2 whether the indexes are wanted. TimescaleDB: not needed.
select oid::int8 as relation, pg_total_relation_size(oid) as bytes, case when $2::bool then pg_indexes_size(oid) end as index_bytes
from unnest($1::oid[]) as wanted (oid)
