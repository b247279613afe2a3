-- How a partition is partitioned itself: one row for each table below it, those of one level by name.
-- $1 qualified name of the partition. `key` is null for a table that is not partitioned; `parent` is null for the
-- partition itself. Takes no lock: pg_get_expr gets no relation. TimescaleDB: not needed.
with recursive below as (
  select c.oid, null::oid as parent, c.relname, c.relpartbound, 0 as depth
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = (parse_ident($1))[1]::name and c.relname = (parse_ident($1))[2]::name
  union all
  select c.oid, b.oid, c.relname, c.relpartbound, b.depth + 1
  from below b join pg_inherits i on i.inhparent = b.oid join pg_class c on c.oid = i.inhrelid
  where not i.inhdetachpending
)
select b.oid::int8 as id, b.parent::int8 as parent, b.relname as name, pg_get_partkeydef(b.oid) as key,
  case when b.parent is not null then pg_get_expr(b.relpartbound, 0) end as bound
from below b
order by b.depth, b.relname
