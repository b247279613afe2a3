-- The tables that a table is a partition of, the nearest first.
-- $1 qualified name of the table. Takes no lock. TimescaleDB: not needed.
with recursive up as (
  select c.oid, 0 as depth from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = (parse_ident($1))[1]::name and c.relname = (parse_ident($1))[2]::name
  union all
  select i.inhparent, up.depth + 1 from up join pg_inherits i on i.inhrelid = up.oid
)
select format('%I.%I', n.nspname, c.relname) as relation
from up join pg_class c on c.oid = up.oid join pg_namespace n on n.oid = c.relnamespace
where up.depth > 0
order by up.depth
