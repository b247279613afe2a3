-- Exact bytes of tables with their indexes and TOAST, as pg_total_relation_size counts them, read from the directory:
-- no table is opened or locked, and the backend keeps no relcache entry for each of them. Needs EXECUTE on pg_ls_dir
-- and pg_stat_file. `missing`: relations without a file there, which have to be measured otherwise.
-- $1 oid[] of tables. Needs work_mem for one row a file. TimescaleDB: not needed.
with directory as materialized (
  select reltablespace, regexp_replace(pg_relation_filepath(any_relation), '[^/]*$', '') as path
  from (
    select reltablespace, min(oid) as any_relation from pg_class
    where relfilenode <> 0 and relpersistence <> 't' and not relisshared group by reltablespace
  ) as used
), file as materialized (
  select d.reltablespace, split_part(translate(name, '_', '.'), '.', 1)::oid as node, (pg_stat_file(d.path || name, true)).size as bytes
  from directory d, pg_ls_dir(d.path) as name
  where name collate "C" >= '1' and name collate "C" < ':'
), stored as materialized (
  -- The bytes of an index are added to its table here; those of TOAST are added below.
  select coalesce(i.indrelid, c.oid) as oid, sum(f.bytes)::int8 as bytes,
    (sum(f.bytes) filter (where i.indexrelid is not null))::int8 as index_bytes, count(*) filter (where f.bytes is null) as missing
  from pg_class c
  left join pg_index i on i.indexrelid = c.oid
  left join file f on f.node = c.relfilenode and f.reltablespace = c.reltablespace
  where c.relfilenode <> 0 group by 1
)
select
  h.oid::int8 as relation, s.bytes + coalesce(t.bytes, 0) as bytes, coalesce(s.index_bytes, 0) as index_bytes,
  (s.missing + coalesce(t.missing, 0))::int as missing
from unnest($1::oid[]) as wanted (oid)
join pg_class h on h.oid = wanted.oid
join stored s on s.oid = h.oid
left join stored t on t.oid = h.reltoastrelid
