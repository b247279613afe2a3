-- Tables that have the name of a chunk and belong to no hypertable: detached, or left behind by a drop that failed.
-- Bytes with indexes and TOAST by the last VACUUM or ANALYZE, null where nothing was ever measured.
-- $1 oid[] of all chunks and compressed parts that belong to a hypertable. Locks catalogues only. TimescaleDB: 2.15
with candidate as materialized (
  select c.oid, n.nspname, c.relname, c.relpages, c.reltuples, c.reltoastrelid
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relname like '%\_chunk%'
    and not exists (select from unnest($1::oid[]) as known (oid) where known.oid = c.oid)
    and not exists (select from pg_inherits i where i.inhrelid = c.oid)
)
select nspname as schema, relname as name, substring(relname from '^_hyper_(\d+)_')::int as hypertable,
  case when relpages > 0 or reltuples >= 0 then (
    relpages + (select coalesce(sum(x.relpages), 0) from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid in (candidate.oid, candidate.reltoastrelid))
    + coalesce((select t.relpages from pg_class t where t.oid = candidate.reltoastrelid), 0)
  )::int8 * current_setting('block_size')::int8 end as bytes
from candidate
-- After the joins: a regular expression on the name of every table of the database took two thirds of the time.
where relname ~ '^(_hyper|compress_hyper)_\d+_\d+_chunk(_compressed)?$'
order by schema, name
