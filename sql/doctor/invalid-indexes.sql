-- Indexes that are not valid: queries do not use them, and every write maintains them.
-- $1 oid[] of relations that hold rows, $2 oid[] of the table that each belongs to, $3 whether tables that are in neither
-- list count too. One row an index. Locks catalogues only. TimescaleDB: not needed.
select r.oid::int8 as root, rn.nspname as schema, r.relname as "table", format('%I.%I', n.nspname, x.relname) as index, i.indisunique as is_unique,
  x.relkind = 'I' as partitioned, x.relname ~ '_cc(new|old)\d*$' as left_by_reindex, x.relpages::int8 * current_setting('block_size')::int8 as bytes
from pg_index i
join pg_class x on x.oid = i.indexrelid
join pg_namespace n on n.oid = x.relnamespace
join pg_class c on c.oid = i.indrelid
join pg_namespace cn on cn.oid = c.relnamespace
left join unnest($1::oid[], $2::oid[]) as owned (relation, root) on owned.relation = c.oid
join pg_class r on r.oid = coalesce(owned.root, c.oid)
join pg_namespace rn on rn.oid = r.relnamespace
where not i.indisvalid and cn.nspname not in ('pg_catalog', 'pg_toast') and cn.nspname not like 'pg\_temp%'
  and (owned.relation is not null or $3::boolean)
  -- CREATE INDEX CONCURRENTLY and REINDEX that run at this moment.
  and not exists (select from pg_locks l where l.relation = c.oid and l.mode = 'ShareUpdateExclusiveLock' and l.granted)
order by 2, 3, 4
