-- The privileges on tables or views: of the connected role USAGE on the schema and SELECT on the table; of the role that
-- changes them whether it has the rights of the owner (`acts`) and whether it is a member of it (`member`).
-- $1 name[] of schemas, $2 name[] of tables, $3 the role that changes them, null for the connected one.
-- One row a table that exists, in that order. TimescaleDB: not needed.
select w.position::int as position, has_schema_privilege(n.oid, 'usage') as usage, has_table_privilege(c.oid, 'select') as "select",
  o.rolname as owner, o.rolsuper as superuser,
  pg_has_role(coalesce($3::name, current_user), o.oid, 'usage') as acts,
  pg_has_role(coalesce($3::name, current_user), o.oid, 'member') as member
from unnest($1::name[], $2::name[]) with ordinality as w (schema, name, position)
join pg_namespace n on n.nspname = w.schema
join pg_class c on c.relnamespace = n.oid and c.relname = w.name
join pg_roles o on o.oid = c.relowner
order by w.position
