-- Indexes of tables, added up over their chunks and partitions: scans since statistics were reset, bytes of the last
-- VACUUM or ANALYZE, and what they are for.
-- $1 oid[] of relations that hold rows, $2 oid[] of the table that each belongs to, $3 whether tables that are in neither
-- list count too. One row an index of a table's own. An index of a chunk or partition belongs to that with the same
-- columns. Locks catalogues only. TimescaleDB: not needed.
with owned as materialized (
  select relation, root from unnest($1::oid[], $2::oid[]) as pair (relation, root)
), part as materialized (
  select i.indexrelid, i.indrelid, coalesce(owned.root, i.indrelid) as root,
    md5(concat_ws('/', i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, x.relam::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid))) as shape
  from pg_index i
  join pg_class x on x.oid = i.indexrelid
  join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'm', 'p')
  join pg_namespace n on n.oid = c.relnamespace
  left join owned on owned.relation = i.indrelid
  where owned.relation is not null
    or ($3::boolean and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and n.nspname not like '\_timescaledb%' and n.nspname not like 'pg\_temp%' and not c.relispartition)
), used as (
  select root, shape, sum(pg_stat_get_numscans(indexrelid))::int8 as scans, sum(x.relpages)::int8 * current_setting('block_size')::int8 as bytes
  from part join pg_class x on x.oid = part.indexrelid
  group by root, shape
), total as (
  select root, sum(scans)::int8 as scans from used group by root
)
select part.root::int8 as root, rn.nspname as schema, r.relname as "table", format('%I.%I', n.nspname, x.relname) as index,
  used.scans, total.scans as table_scans, used.bytes, part.shape,
  i.indisunique or i.indisreplident or i.indisclustered or i.indisexclusion as needed,
  exists (select from pg_constraint k where k.conindid = x.oid) as constrains,
  exists (select from pg_inherits h where h.inhparent = r.oid) as has_parts
from part
join pg_index i on i.indexrelid = part.indexrelid
join pg_class x on x.oid = part.indexrelid
join pg_namespace n on n.oid = x.relnamespace
join pg_class r on r.oid = part.root
join pg_namespace rn on rn.oid = r.relnamespace
join used on used.root = part.root and used.shape = part.shape
join total on total.root = part.root
where part.indrelid = part.root
order by 2, 3, 4
