-- Indexes of tables, added up over their chunks and partitions: scans since statistics were reset, bytes of the last
-- VACUUM or ANALYZE, and what they are for.
-- $1 oid[] of relations that hold rows, $2 oid[] of the table that each belongs to, $3 whether tables that are in neither
-- list count too. One row an index of a table's own. An index of a chunk or partition belongs to that with the same
-- columns. `shape` is the same number for indexes of a table with the same columns. Locks catalogues only.
-- TimescaleDB: not needed.
with owned as materialized (
  select relation, root from unnest($1::oid[], $2::oid[]) as pair (relation, root)
), part as materialized (
  select i.indexrelid, i.indrelid, coalesce(owned.root, i.indrelid) as root, x.relpages, i.indkey::int2[] as keys, i.indclass as classes,
    i.indcollation as collations, i.indoption::int2[] as options, x.relam as method,
    pg_get_expr(i.indexprs, i.indrelid) as expressions, pg_get_expr(i.indpred, i.indrelid) as predicate
  from pg_index i
  join pg_class x on x.oid = i.indexrelid
  join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'm', 'p')
  join pg_namespace n on n.oid = c.relnamespace
  left join owned on owned.relation = i.indrelid
  where owned.relation is not null
    or ($3::boolean and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and n.nspname not like '\_timescaledb%' and n.nspname not like 'pg\_temp%' and not c.relispartition)
), used as (
  -- Grouped by the values: their text, of each of 24 000 indexes, took as long as the rest of the statement.
  select root, min(indexrelid)::int8 as shape, array_agg(indexrelid) filter (where indrelid = root) as own,
    sum(pg_stat_get_numscans(indexrelid))::int8 as scans,
    -- Scans of a chunk's own indexes count too: compressed parts have some that the table has not.
    (sum(sum(pg_stat_get_numscans(indexrelid))) over (partition by root))::int8 as table_scans, sum(relpages)::int8 * current_setting('block_size')::int8 as bytes
  from part
  group by root, keys, classes, collations, options, method, expressions, predicate
)
select used.root::int8 as root, rn.nspname as schema, r.relname as "table", format('%I.%I', n.nspname, x.relname) as index,
  used.scans, used.table_scans, used.bytes, used.shape,
  i.indisunique or i.indisreplident or i.indisclustered or i.indisexclusion as needed,
  -- No index of pg_constraint begins with conindid: one pass for all instead of one for each index.
  x.oid in (select conindid from pg_constraint) as constrains,
  r.oid in (select inhparent from pg_inherits) as has_parts
from used
cross join lateral unnest(used.own) as own (indexrelid)
join pg_index i on i.indexrelid = own.indexrelid
join pg_class x on x.oid = own.indexrelid
join pg_namespace n on n.oid = x.relnamespace
join pg_class r on r.oid = used.root
join pg_namespace rn on rn.oid = r.relnamespace
order by 2, 3, 4
