-- Bytes that B-tree indexes take against what their entries would take by the statistics of ANALYZE, added up over the
-- chunks and partitions of each table. Only indexes of ten megabytes and more are looked at; `unreadable` counts those
-- of which this role sees no statistics. Entries that share a value are stored once, so the estimate is rather too high.
-- $1 oid[] of relations that hold rows, $2 oid[] of the table that each belongs to, $3 whether tables that are in neither
-- list count too. One row a table. Locks catalogues only. TimescaleDB: not needed.
with part as materialized (
  select i.indexrelid, i.indrelid, i.indkey, n.nspname, c.relname as table_name, x.relname as index_name, x.relpages,
    x.reltuples, coalesce(owned.root, i.indrelid) as root,
    coalesce(substring(array_to_string(x.reloptions, ',') from 'fillfactor=(\d+)')::int, 90) as fillfactor
  from pg_index i
  join pg_class x on x.oid = i.indexrelid and x.relkind = 'i'
  join pg_am m on m.oid = x.relam and m.amname = 'btree'
  join pg_class c on c.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join unnest($1::oid[], $2::oid[]) as owned (relation, root) on owned.relation = i.indrelid
  where i.indisvalid and x.reltuples >= 0 and x.relpages >= 10 * 1024 * 1024 / current_setting('block_size')::int
    and (owned.relation is not null or ($3::boolean and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and n.nspname not like '\_timescaledb%'))
), width as (
  select part.*, s.bytes, s.unknown
  from part
  cross join lateral (
    select sum((1 - p.null_frac) * p.avg_width) as bytes, count(*) filter (where p.attname is null) as unknown
    from unnest(part.indkey::int2[]) with ordinality as key (attnum, position)
    -- The statistics of an expression are those of the index.
    left join pg_attribute a on a.attrelid = case when key.attnum = 0 then part.indexrelid else part.indrelid end
      and a.attnum = case when key.attnum = 0 then key.position else key.attnum end
    left join pg_stats p on p.schemaname = part.nspname and p.attname = a.attname and not p.inherited
      and p.tablename = case when key.attnum = 0 then part.index_name else part.table_name end
  ) s
), estimate as (
  -- An entry has a header of 8 bytes and a line pointer of 4, and begins at a multiple of 8.
  select root, nspname, index_name, unknown, relpages::int8 as pages,
    case when unknown > 0 then relpages::int8
      else ceil(reltuples * (4 + ceil((8 + bytes) / 8) * 8) / ((current_setting('block_size')::int - 40) * fillfactor / 100.0))::int8 end as expected
  from width
)
select r.oid::int8 as root, n.nspname as schema, r.relname as "table",
  sum(e.pages)::int8 * current_setting('block_size')::int8 as bytes,
  sum(e.expected)::int8 * current_setting('block_size')::int8 as expected,
  (count(*) filter (where e.unknown > 0))::int as unreadable,
  (array_agg(format('%I.%I', e.nspname, e.index_name) order by e.pages - e.expected desc))[1:3] as largest
from estimate e
join pg_class r on r.oid = e.root
join pg_namespace n on n.oid = r.relnamespace
group by r.oid, n.nspname, r.relname
order by 2, 3
