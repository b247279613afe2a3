-- Bytes of tables, their indexes and TOAST, as the last VACUUM or ANALYZE recorded them. Locks only the catalog.
-- `analyzed` is false if neither ever ran on the table: then zero bytes mean "not known".
-- $1 oid[] of tables. TimescaleDB: not needed.
with block as (select current_setting('block_size')::int8 as size), indexed as materialized (
  select i.indrelid, sum(c.relpages) as pages from pg_index i join pg_class c on c.oid = i.indexrelid group by i.indrelid
)
select
  h.oid::int8 as relation,
  h.relpages * block.size as heap_bytes,
  (coalesce(hi.pages, 0) * block.size)::int8 as index_bytes,
  ((coalesce(hi.pages, 0) + coalesce(t.relpages, 0) + coalesce(ti.pages, 0)) * block.size)::int8 as other_bytes,
  h.relpages > 0 or h.reltuples >= 0 as analyzed
from unnest($1::oid[]) as wanted (oid)
cross join block
join pg_class h on h.oid = wanted.oid
left join indexed hi on hi.indrelid = h.oid
left join pg_class t on t.oid = h.reltoastrelid
left join indexed ti on ti.indrelid = t.oid
