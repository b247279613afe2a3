-- The relation with the compressed batches of a chunk, quoted as in SQL; no row if it has none.
-- $1 the oid of a relation, which need not be a chunk. TimescaleDB: 2.15 to 2.28
select format('%I.%I', part.schema_name, part.table_name) as name
from pg_class r
join pg_namespace n on n.oid = r.relnamespace
join _timescaledb_catalog.chunk c on c.schema_name = n.nspname and c.table_name = r.relname
join _timescaledb_catalog.chunk part on part.id = c.compressed_chunk_id
where r.oid = $1::oid
