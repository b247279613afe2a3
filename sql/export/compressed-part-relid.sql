-- The relation with the compressed batches of a chunk, quoted as in SQL; no row if it has none. The same column as
-- compressed-part-names.sql. $1 the oid of a relation, which need not be a chunk. TimescaleDB: 2.29
select format('%I.%I', n.nspname, part.relname) as name
from _timescaledb_catalog.chunk c
join _timescaledb_catalog.compression_settings k on k.relid = c.relid
join pg_class part on part.oid = k.compress_relid
join pg_namespace n on n.oid = part.relnamespace
where c.relid = $1::oid
