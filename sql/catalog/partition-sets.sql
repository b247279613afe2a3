-- Partitioned tables of PostgreSQL and their leaves. Reads pg_inherits: pg_partition_tree would lock every partition.
-- One row a leaf; a set without leaves has one row without a leaf. `bound` is that of the deepest level partitioned by
-- range of the same column as the first such level. TimescaleDB: not needed.
-- Bounds are constants, so pg_get_expr needs no relation: given one, it would open and lock it.
with recursive root as (
  select c.oid, n.nspname as schema, c.relname as name, c.relowner as owner
  from pg_partitioned_table p join pg_class c on c.oid = p.partrelid join pg_namespace n on n.oid = c.relnamespace
  where not c.relispartition and c.relpersistence <> 't'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), key as materialized (
  select p.partrelid as oid, a.attname, format_type(a.atttypid, null) as type
  from pg_partitioned_table p
  left join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and p.partattrs[0] > 0
  where p.partstrat = 'r'
), tree as (
  select oid as root, oid, null::name as by, null::text as type, null::text collate "C" as bound, true as branch from root
  union all
  select
    t.root, c.oid, case when used.yes then k.attname else t.by end, case when used.yes then k.type else t.type end,
    case when used.yes then pg_get_expr(c.relpartbound, 0) else t.bound end, c.relkind = 'p'
  from tree t
  join pg_inherits i on i.inhparent = t.oid
  join pg_class c on c.oid = i.inhrelid
  left join key k on k.oid = t.oid
  cross join lateral (select k.attname is not null and coalesce(t.by = k.attname, true) as yes) as used
)
select
  root.schema, root.name, root.oid::int8 as root, root.owner::int8 as owner, n.nspname as leaf_schema, c.relname as leaf,
  c.oid::int8 as relation, coalesce(l.by, k.attname) as time_column, coalesce(l.type, k.type) as time_type, l.bound,
  coalesce(am.amname = 'columnar', false) as columnar, nullif(c.reltuples, -1)::int8 as rows
from root
left join key k on k.oid = root.oid
left join (tree l join pg_class c on c.oid = l.oid join pg_namespace n on n.oid = c.relnamespace) on l.root = root.oid and not l.branch
left join pg_am am on am.oid = c.relam
