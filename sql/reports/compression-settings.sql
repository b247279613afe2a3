-- The settings that compressed chunks were compressed with, counted: a change to a table's settings does not affect its
-- existing compressed chunks.
-- $1 int[] a number for each chunk's table, $2 oid[] of chunks, $3 oid[] of their compressed relations.
-- Up to 2.18 the settings are stored under the compressed relation, later under the chunk itself. TimescaleDB: 2.15
select
  w.n, s.segmentby as segment_by, s.orderby as order_by, s.orderby_desc as order_desc, s.orderby_nullsfirst as order_nulls_first,
  count(*)::int as chunks, max(w.position) as newest
from unnest($1::int[], $2::oid[], $3::oid[]) with ordinality as w (n, chunk, compressed, position)
join _timescaledb_catalog.compression_settings s on s.relid = any (array[w.chunk, w.compressed])
group by 1, 2, 3, 4, 5
