-- Bytes that tables take against what their rows would take by the statistics of ANALYZE, added up over chunks and
-- partitions. Only relations of ten megabytes and more are looked at; `unreadable` counts those whose statistics this role may not see.
-- $1 oid[] of relations that hold rows, $2 oid[] of the table that each belongs to, $3 whether tables that are in neither
-- list count too. One row a table. Locks catalogues only. TimescaleDB: not needed.
with part as materialized (
  select c.oid, n.nspname, c.relname, coalesce(owned.root, c.oid) as root, c.relpages, c.reltuples, c.relnatts,
    coalesce(substring(array_to_string(c.reloptions, ',') from 'fillfactor=(\d+)')::int, 100) as fillfactor
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join unnest($1::oid[], $2::oid[]) as owned (relation, root) on owned.relation = c.oid
  where c.relkind in ('r', 'm') and c.relpages >= 10 * 1024 * 1024 / current_setting('block_size')::int and c.reltuples >= 0
    and (owned.relation is not null or ($3::boolean and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and n.nspname not like '\_timescaledb%'))
), width as (
  select part.*, s.bytes, s.columns
  from part
  -- A null takes no room; the header is 24 bytes, a line pointer 4, and rows begin at multiples of 8.
  cross join lateral (
    select sum((1 - p.null_frac) * p.avg_width) as bytes, count(*) as columns
    from pg_stats p where p.schemaname = part.nspname and p.tablename = part.relname and not p.inherited
  ) s
)
select r.oid::int8 as root, n.nspname as schema, r.relname as "table",
  sum(w.relpages)::int8 * current_setting('block_size')::int8 as bytes,
  sum(case when w.columns > 0 then ceil(w.reltuples * (28 + ceil(w.bytes / 8) * 8) / ((current_setting('block_size')::int - 24) * w.fillfactor / 100.0)) else w.relpages end)::int8
    * current_setting('block_size')::int8 as expected,
  (count(*) filter (where w.columns = 0))::int as unreadable
from width w
join pg_class r on r.oid = w.root
join pg_namespace n on n.oid = r.relnamespace
group by r.oid, n.nspname, r.relname
order by 2, 3
