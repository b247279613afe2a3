-- What a name can mean: every relation of that name that holds rows, in the schema that is given or in any.
-- $1 the name as people write it, with PostgreSQL's own quoting. Asks no lock. TimescaleDB: not needed.
select n.nspname as schema, c.relname as table, format('%I.%I', n.nspname, c.relname) as relation, c.relkind = 'p' as partitioned,
  (select format('%I.%I', pn.nspname, p.relname) from pg_inherits i join pg_class p on p.oid = i.inhparent
   join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid and c.relispartition) as partition_of
from parse_ident($1) as part
join pg_class c on c.relname = part[array_upper(part, 1)] and c.relkind in ('r', 'p', 'f', 'v', 'm')
join pg_namespace n on n.oid = c.relnamespace
where array_length(part, 1) = 1 and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_t%'
  or array_length(part, 1) = 2 and n.nspname = part[1]
order by c.relkind = 'p' desc, n.nspname
