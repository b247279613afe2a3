-- The partitions of tables with the text of their bounds.
-- $1 text[] of qualified names of tables, $2 whether sizes and rows are wanted: both are null for a partition that a
-- session has locked ACCESS EXCLUSIVE. pg_get_expr gets no relation: it would wait for a lock on it.
-- TimescaleDB: not needed.
with held as materialized (
  select distinct relation from pg_locks
  where locktype = 'relation' and granted and mode = 'AccessExclusiveLock' and database = (select oid from pg_database where datname = current_database())
), child as (
  select i.inhparent, i.inhdetachpending, c.oid, c.relname, c.relkind, c.reltuples, c.relpages, cn.nspname, p.partdefid,
    pg_get_expr(c.relpartbound, 0) as bound
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  join pg_namespace cn on cn.oid = c.relnamespace
  join pg_partitioned_table p on p.partrelid = i.inhparent
  where i.inhparent in (
    select k.partrelid from pg_partitioned_table k join pg_class t on t.oid = k.partrelid join pg_namespace tn on tn.oid = t.relnamespace
    where (tn.nspname, t.relname) in (select (parse_ident(name))[1]::name, (parse_ident(name))[2]::name from unnest($1::text[]) as name)
  )
)
select format('%I.%I', pn.nspname, parent.relname) as parent, format('%I.%I', e.nspname, e.relname) as relation,
  e.nspname as schema, e.relname as partition, e.relkind as kind, e.bound, e.oid = e.partdefid as is_default, e.inhdetachpending as pending,
  -- As the planner estimates: rows per page at the last ANALYZE, times the current number of pages.
  case when $2::boolean and e.relkind = 'r' and held.relation is null then (
    select case when pages = 0 then 0 when e.reltuples < 0 or e.relpages = 0 then null else round(e.reltuples::float8 / e.relpages * pages) end
    from (select pg_relation_size(e.oid) / current_setting('block_size')::int as pages) as now
  ) end as rows,
  -- pg_partition_tree would lock every partition. Only a partition that is partitioned itself has others below it: the
  -- planner reads all of pg_inherits for each search, which took longer than statement_timeout for 10 000 partitions.
  case when not $2::boolean or held.relation is not null then null when e.relkind <> 'p' then pg_total_relation_size(e.oid) else (
    with recursive below as (
      select e.oid
      union all
      select i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid
    )
    select sum(pg_total_relation_size(b.oid))::bigint from below b where b.oid not in (select relation from held)
  ) end as bytes,
  held.relation is not null as locked,
  obj_description(e.oid, 'pg_class') as comment
from child e
join pg_class parent on parent.oid = e.inhparent
join pg_namespace pn on pn.oid = parent.relnamespace
left join held on held.relation = e.oid
order by parent, relation
