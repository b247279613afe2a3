-- Those of the given relations that ANALYZE accepts.
-- $1 text[] of schemas, $2 text[] of names. TimescaleDB: not needed.
select w.schema, w.name
from unnest($1::text[], $2::text[]) as w (schema, name)
join pg_namespace n on n.nspname = w.schema
join pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p', 'm', 'f')
order by 1, 2
