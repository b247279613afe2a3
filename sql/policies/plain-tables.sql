-- Which of some names are tables of their own: neither hypertables nor partitioned, since those are known before this is
-- asked. $1 text[] of schemas, $2 text[] of names. One row a table. TimescaleDB: not needed.
select wanted.schema, wanted.name
from unnest($1::text[], $2::text[]) as wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relname = wanted.name and c.relnamespace = n.oid and c.relkind = 'r'
