-- Rows and batches of chunks when they were compressed, of those that have the settings that their hypertable has now.
-- A hypertable without settings lets TimescaleDB choose: then any are its settings.
-- $1 int[] of chunk ids, $2 oid[] of the chunks, $3 oid[] of their compressed parts, $4 oid[] of their hypertables.
-- One row a chunk. Locks catalogues only. TimescaleDB: 2.15
select wanted.chunk::int8 as relation, z.numrows_pre_compression as rows, z.numrows_post_compression as batches
from unnest($1::int[], $2::oid[], $3::oid[], $4::oid[]) as wanted (id, chunk, compressed, hypertable)
join _timescaledb_catalog.compression_chunk_size z on z.chunk_id = wanted.id
join _timescaledb_catalog.compression_settings k on k.relid in (wanted.chunk, wanted.compressed)
join _timescaledb_catalog.compression_settings h on h.relid = wanted.hypertable
where coalesce(k.segmentby, '{}') = coalesce(h.segmentby, case when h.orderby is null then coalesce(k.segmentby, '{}') else '{}' end)
  and (h.orderby is null or k.orderby = h.orderby)
