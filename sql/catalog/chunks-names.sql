-- Chunks of hypertables with range, status, compressed relation and the sizes recorded at compression, for catalogs
-- that store names of relations. Dropped chunks that the catalog still remembers have no relation and are left out.
-- $1 int[] of hypertable ids, null for all. Locks only the catalog. TimescaleDB: 2.15 to 2.28
with dimension as materialized (
  select distinct on (hypertable_id) hypertable_id, id from _timescaledb_catalog.dimension order by hypertable_id, id
), slice as materialized (
  select k.chunk_id, s.range_start, s.range_end
  from dimension d
  join _timescaledb_catalog.dimension_slice s on s.dimension_id = d.id
  join _timescaledb_catalog.chunk_constraint k on k.dimension_slice_id = s.id
), space as materialized (
  -- The first slice of a hashed dimension has no lower bound; the others divide the positive int4 evenly.
  select k.chunk_id, string_agg((case when s.range_start < 0 then 1 else round(s.range_start::numeric * d.num_slices / 2147483647) + 1 end)
    || '/' || d.num_slices, ' ' order by d.id) as slices
  from _timescaledb_catalog.dimension d
  join _timescaledb_catalog.dimension_slice s on s.dimension_id = d.id
  join _timescaledb_catalog.chunk_constraint k on k.dimension_slice_id = s.id
  where d.num_slices is not null group by k.chunk_id
), relation as materialized (
  select c.id, r.oid, c.hypertable_id, c.compressed_chunk_id, c.status, c.osm_chunk, c.creation_time, c.schema_name, c.table_name,
    r.reltuples
  from _timescaledb_catalog.chunk c
  join pg_namespace n on n.nspname = c.schema_name
  join pg_class r on r.relname = c.table_name and r.relnamespace = n.oid
)
select
  c.hypertable_id, c.id, c.oid::int8 as relation, c.schema_name as schema, c.table_name as name, c.status, c.osm_chunk as tiered,
  s.range_start::text, s.range_end::text, c.creation_time as created_at, compressed.oid::int8 as compressed,
  z.uncompressed_heap_size + z.uncompressed_toast_size + z.uncompressed_index_size as before_bytes,
  z.compressed_heap_size + z.compressed_toast_size + z.compressed_index_size as after_bytes,
  -- An estimate: what ANALYZE saw, or what compression counted. Rows written into a compressed chunk are in neither.
  case when c.osm_chunk then null when c.status & 1 = 0 then nullif(c.reltuples, -1)::int8
    when c.status & 8 = 0 then z.numrows_pre_compression end as rows,
  p.slices as space
from relation c
join dimension d on d.hypertable_id = c.hypertable_id
left join slice s on s.chunk_id = c.id
left join space p on p.chunk_id = c.id
left join relation compressed on compressed.id = c.compressed_chunk_id
left join _timescaledb_catalog.compression_chunk_size z on z.chunk_id = c.id
where $1::int[] is null or c.hypertable_id = any ($1::int[])
