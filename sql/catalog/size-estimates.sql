-- Bytes of tables, their indexes and TOAST, as the last VACUUM or ANALYZE recorded them. Locks only the catalog.
-- `analyzed` is false if neither ever ran on the table: then zero bytes mean "not known".
-- $1 oid[] of tables. TimescaleDB: not needed.
with block as (select current_setting('block_size')::int8 as size), wanted as materialized (
  select h.oid, h.relpages, h.reltuples, h.reltoastrelid, t.relpages as toast_pages
  from unnest($1::oid[]) as given (oid) join pg_class h on h.oid = given.oid left join pg_class t on t.oid = h.reltoastrelid
), part as (
  -- Relations with indexes, so that few wanted tables take index scans instead of a pass over pg_index.
  select oid, oid as wanted, false as is_toast from wanted
  union all
  select reltoastrelid, oid, true from wanted where reltoastrelid <> 0
), indexed as (
  select part.wanted, sum(c.relpages) filter (where not is_toast) as own, sum(c.relpages) as pages
  from part
  join pg_index i on i.indrelid = part.oid
  join pg_class c on c.oid = i.indexrelid
  group by part.wanted
)
select
  h.oid::int8 as relation,
  h.relpages * block.size as heap_bytes,
  (coalesce(i.own, 0) * block.size)::int8 as index_bytes,
  ((coalesce(i.pages, 0) + coalesce(h.toast_pages, 0)) * block.size)::int8 as other_bytes,
  h.relpages > 0 or h.reltuples >= 0 as analyzed
from wanted h
cross join block
left join indexed i on i.wanted = h.oid
