-- Which names are ordinary tables. The caller has already excluded hypertables and partitioned tables.
-- $1 text[] of schemas, $2 text[] of names. One row a table. TimescaleDB: not needed.
select wanted.schema, wanted.name
from unnest($1::text[], $2::text[]) as wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relname = wanted.name and c.relnamespace = n.oid and c.relkind = 'r'
