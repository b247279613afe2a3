-- The partitions of tables with their bounds as instants. A bound that is not a time is null; `bound` has its text. A
-- date or timestamp is taken as UTC.
-- $1 text[] of qualified names of tables, $2 whether sizes and rows are wanted: both are null for a partition that a
-- session has locked ACCESS EXCLUSIVE. pg_get_expr gets no relation: it would wait for a lock on it.
-- TimescaleDB: not needed.
with held as materialized (
  select distinct relation from pg_locks
  where locktype = 'relation' and granted and mode = 'AccessExclusiveLock' and database = (select oid from pg_database where datname = current_database())
), child as (
  select i.inhparent, i.inhdetachpending, c.oid, c.relname, c.relkind, c.reltuples, c.relpages, cn.nspname, p.partdefid,
    a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) and p.partstrat = 'r' and p.partnatts = 1 as by_time,
    pg_get_expr(c.relpartbound, 0) as bound
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  join pg_namespace cn on cn.oid = c.relnamespace
  join pg_partitioned_table p on p.partrelid = i.inhparent
  left join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
  where i.inhparent in (
    select k.partrelid from pg_partitioned_table k join pg_class t on t.oid = k.partrelid join pg_namespace tn on tn.oid = t.relnamespace
    where (tn.nspname, t.relname) in (select (parse_ident(name))[1]::name, (parse_ident(name))[2]::name from unnest($1::text[]) as name)
  )
), edge as (
  select child.*, bound.parts[1] as lower_text, bound.parts[2] as upper_text,
    case when by_time then case bound.parts[1] when 'MINVALUE' then '-infinity' else trim(both '''' from bound.parts[1]) end::timestamptz end as lower,
    case when by_time then case bound.parts[2] when 'MAXVALUE' then 'infinity' else trim(both '''' from bound.parts[2]) end::timestamptz end as upper
  from child
  left join lateral regexp_match(child.bound, '^FOR VALUES FROM \((.*)\) TO \((.*)\)$') as bound (parts) on true
)
select format('%I.%I', pn.nspname, parent.relname) as parent, format('%I.%I', e.nspname, e.relname) as relation,
  e.nspname as schema, e.relname as partition, e.relkind as kind, e.bound, e.oid = e.partdefid as is_default, e.inhdetachpending as pending,
  e.lower as from, e.upper as to, extract(epoch from e.lower)::float8 as from_epoch, extract(epoch from e.upper)::float8 as to_epoch,
  -- As the planner estimates: rows per page at the last ANALYZE, times the current number of pages.
  case when $2::boolean and e.relkind = 'r' and held.relation is null then (
    select case when pages = 0 then 0 when e.reltuples < 0 or e.relpages = 0 then null else round(e.reltuples::float8 / e.relpages * pages) end
    from (select pg_relation_size(e.oid) / current_setting('block_size')::int as pages) as now
  ) end as rows,
  -- pg_partition_tree would lock every partition.
  case when $2::boolean and held.relation is null then (
    with recursive below as (
      select e.oid
      union all
      select i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid
    )
    select sum(pg_total_relation_size(b.oid))::bigint from below b where b.oid not in (select relation from held)
  ) end as bytes,
  held.relation is not null as locked,
  obj_description(e.oid, 'pg_class') as comment
from edge e
join pg_class parent on parent.oid = e.inhparent
join pg_namespace pn on pn.oid = parent.relnamespace
left join held on held.relation = e.oid
order by parent, from_epoch, relation
