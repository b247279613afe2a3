-- Every table and view with a name, in the given schema or in any.
-- $1 schema or null, $2 name. Takes no lock. TimescaleDB: not needed.
select n.nspname as schema, c.relname as table, format('%I.%I', n.nspname, c.relname) as relation, c.relkind = 'p' as partitioned,
  (select format('%I.%I', pn.nspname, p.relname) from pg_inherits i join pg_class p on p.oid = i.inhparent
   join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid and c.relispartition) as partition_of
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relname = $2 and c.relkind in ('r', 'p', 'f', 'v', 'm')
  and case when $1::text is null then n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_t%' else n.nspname = $1 end
order by c.relkind = 'p' desc, n.nspname
