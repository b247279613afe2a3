-- Compressed chunks with other settings than their hypertable has now. A null setting of the hypertable is chosen by
-- TimescaleDB from current statistics (2.22) and is not compared. Exception: if orderby is set and segmentby is null,
-- chunks have no segmentby (2.20).
-- $1 text[] of qualified names of hypertables, $2 text of one chunk, null for all. One row a chunk.
-- TimescaleDB: 2.15, community
select c.hypertable::text as hypertable, n.nspname as schema, r.relname as name, c.segmentby as segment_by, c.orderby as order_by
from timescaledb_information.chunk_compression_settings c
join timescaledb_information.hypertable_compression_settings h on h.hypertable = c.hypertable
join pg_class r on r.oid = c.chunk
join pg_namespace n on n.oid = r.relnamespace
where c.hypertable in (select name::regclass from unnest($1::text[]) as name)
  and ($2::text is null or c.chunk = to_regclass($2::text))
  and (c.segmentby <> h.segmentby or c.orderby <> h.orderby or (c.segmentby is null) <> (h.segmentby is null) and (h.segmentby is not null or h.orderby is not null))
order by r.oid
