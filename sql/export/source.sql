-- What an export needs to know about a relation: its partitions that hold rows, and whether all of them are heaps, whose
-- row versions can be compared. $1 its name, quoted as in SQL. No row if it does not exist. TimescaleDB: not needed
with recursive tree as (
  select c.oid, c.relkind, c.relam, c.relnamespace, c.relname
  from pg_class c
  where c.oid = to_regclass($1)
  union all
  select c.oid, c.relkind, c.relam, c.relnamespace, c.relname
  from tree
  join pg_inherits i on i.inhparent = tree.oid
  join pg_class c on c.oid = i.inhrelid
), named as (
  select tree.oid, tree.relkind, tree.relam, format('%I.%I', n.nspname, tree.relname) as name
  from tree
  join pg_namespace n on n.oid = tree.relnamespace
)
select current_database() as database,
  (select oid::int8 from pg_database where datname = current_database()) as database_oid,
  to_regclass($1)::oid::int8 as relation_oid,
  $1::text as relation,
  coalesce(array_agg(name order by name) filter (where relkind = 'r'), '{}') as heaps,
  array_agg(name order by name) filter (where relkind in ('r', 'p')) as lockable,
  coalesce(bool_and(relkind = 'p' or relkind = 'r' and relam = 2), true) as comparable
from named
having count(*) > 0
