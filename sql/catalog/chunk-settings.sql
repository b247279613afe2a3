-- Compressed chunks that were compressed by other settings than their hypertable has now.
-- $1 text[] of hypertables as SQL reads them. One row a chunk. TimescaleDB: 2.15, community
select c.hypertable::text as hypertable, n.nspname as schema, r.relname as name, c.segmentby as segment_by, c.orderby as order_by
from timescaledb_information.chunk_compression_settings c
join timescaledb_information.hypertable_compression_settings h on h.hypertable = c.hypertable
join pg_class r on r.oid = c.chunk
join pg_namespace n on n.oid = r.relnamespace
where c.hypertable in (select name::regclass from unnest($1::text[]) as name)
  and (c.segmentby is distinct from h.segmentby or c.orderby is distinct from h.orderby)
order by r.oid
