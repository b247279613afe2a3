-- Foreign keys that reference a partitioned table: its partitions cannot be detached while rows refer to them.
-- $1 qualified name of the table. One row a key; `columns` refer to `referenced`, in order. Takes no lock.
-- TimescaleDB: not needed.
select quote_ident(k.conname) as name, format('%I.%I', n.nspname, c.relname) as "table", n.nspname as schema, c.relname as relation,
  array(
    select a.attname::text from unnest(k.conkey) with ordinality as u (number, position)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number order by u.position
  ) as columns,
  array(
    select a.attname::text from unnest(k.confkey) with ordinality as u (number, position)
    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number order by u.position
  ) as referenced
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.confrelid = to_regclass($1) and k.contype = 'f' and k.conparentid = 0
order by 2, 1
