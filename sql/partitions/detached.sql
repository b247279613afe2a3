-- Partitions that qicore-db detached, or was going to detach, with the table as it is now: `relation` is null if it is
-- gone. `unchanged`: it was not attached, detached or altered since. `tablespaces`: of the table, its indexes and its
-- sub-partitions. Size and rows are null if another session has locked the table ACCESS EXCLUSIVE.
-- $1 text[] of qualified names of sets, or null for all, $2 whether dropped ones are wanted, $3 whether sizes are, $4 the
-- role that would change them: `may_change` says whether it may.
-- Takes no lock. TimescaleDB: not needed; needs the schema qicore.
with held as materialized (
  select distinct relation from pg_locks
  where locktype = 'relation' and granted and mode = 'AccessExclusiveLock' and database = (select oid from pg_database where datname = current_database())
), remembered as (
  select d.* from qicore.detached_partition d
  where ($2::boolean or d.dropped_at is null)
    and ($1::text[] is null or format('%I.%I', d.set_schema, d.set_table) = any ($1::text[]))
)
select d.id, d.relation::int8 as oid, d.set_schema, d.set_table, d.schema as recorded_schema, d.partition as recorded_partition, d.key_column,
  d.range_start::text, d.range_end::text, d.zoned, d.detached_at, d.detached_by, d.detached_xid, d.seen, d.counted_at, d.moved_at,
  d.exported_at, d.exported_to, d.exported_rows, d.checksum, d.dropped_at,
  case when c.oid is not null then format('%I.%I', n.nspname, c.relname) end as relation, n.nspname as schema, c.relname as partition, c.relkind as kind,
  coalesce(c.relispartition, false) as attached,
  coalesce(c.relispartition and exists (select from pg_inherits i where i.inhrelid = c.oid and i.inhdetachpending), false) as pending,
  coalesce(a.xmin::text = d.detached_xid, false) as unchanged,
  held.relation is not null as locked,
  pg_has_role($4, c.relowner, 'usage') as may_change,
  place.tablespaces,
  case when $3::boolean and c.relkind = 'r' and held.relation is null then (
    select case when pages = 0 then 0 when c.reltuples < 0 or c.relpages = 0 then null else round(c.reltuples::float8 / c.relpages * pages) end
    from (select pg_relation_size(c.oid) / current_setting('block_size')::int as pages) as now
  ) end as rows,
  case when $3::boolean and held.relation is null then place.bytes end as bytes
from remembered d
left join pg_class c on c.oid = d.relation and c.relkind in ('r', 'p', 'f') and d.dropped_at is null
left join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attname = d.key_column and not a.attisdropped
left join held on held.relation = c.oid
left join lateral (
  with recursive below as (
    select c.oid
    union all
    select i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid
  )
  select
    (select array_agg(distinct coalesce(s.spcname, home.spcname)::text)
     from (
       select b.oid from below b
       union all
       select x.indexrelid from below b join pg_index x on x.indrelid = b.oid
     ) every
     join pg_class e on e.oid = every.oid and e.relkind in ('r', 'i')
     left join pg_tablespace s on s.oid = nullif(e.reltablespace, 0)
     cross join (select t.spcname from pg_database b join pg_tablespace t on t.oid = b.dattablespace where b.datname = current_database()) home) as tablespaces,
    case when $3::boolean then (
      select sum(pg_total_relation_size(b.oid))::bigint from below b where b.oid not in (select h.relation from held h)
    ) end as bytes
) place on c.oid is not null
order by d.set_schema, d.set_table, d.range_end, d.id
