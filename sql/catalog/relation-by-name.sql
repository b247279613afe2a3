-- Relations with a name, their kind and their parent, for the message that says why a name cannot be used.
-- $1 name, $2 schema, null for every schema. TimescaleDB: not needed.
select
  n.nspname as schema, c.relname as name, c.relkind as kind, c.relispartition as is_partition,
  pn.nspname as parent_schema, p.relname as parent
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_inherits i on i.inhrelid = c.oid
left join pg_class p on p.oid = i.inhparent
left join pg_namespace pn on pn.oid = p.relnamespace
where c.relname = $1 and ($2::text is null or n.nspname = $2) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_(toast|temp|toast_temp)'
order by n.nspname
