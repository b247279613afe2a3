-- The metadata columns with the smallest and the largest value of the time column in the compressed relations of
-- chunks. They are numbered by the position of the column in orderby. No row for a chunk that has none.
-- $1 oid[] of chunks, $2 oid[] of their compressed relations, $3 text[] of their time columns. TimescaleDB: 2.15
-- Up to 2.18 the settings are stored under the compressed relation, later under the chunk.
select w.chunk::int8 as chunk, n.nspname as schema, c.relname as name, low.attname as low, high.attname as high
from unnest($1::oid[], $2::oid[], $3::text[]) as w (chunk, compressed, time_column)
join _timescaledb_catalog.compression_settings s on s.relid in (w.chunk, w.compressed)
join pg_class c on c.oid = w.compressed
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (select array_position(s.orderby, w.time_column) as position) as k
join pg_attribute low on low.attrelid = c.oid and low.attname = '_ts_meta_min_' || k.position and not low.attisdropped
join pg_attribute high on high.attrelid = c.oid and high.attname = '_ts_meta_max_' || k.position and not high.attisdropped
