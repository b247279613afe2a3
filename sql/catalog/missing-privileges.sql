-- The privileges that the connected role has on tables or views: USAGE on the schema, SELECT on the table.
-- $1 name[] of schemas, $2 name[] of tables. One row a table that exists, in that order. TimescaleDB: not needed.
select w.position::int as position, has_schema_privilege(n.oid, 'usage') as usage, has_table_privilege(c.oid, 'select') as "select"
from unnest($1::name[], $2::name[]) with ordinality as w (schema, name, position)
join pg_namespace n on n.nspname = w.schema
join pg_class c on c.relnamespace = n.oid and c.relname = w.name
order by w.position
