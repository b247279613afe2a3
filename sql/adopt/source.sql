-- The relations with this name, what they are, and whether a role may adopt them.
-- $1 schema (null: every schema but those of the system and of adoptions), $2 name, $3 the role that would change them.
-- Takes no lock on a relation that another session has not locked ACCESS EXCLUSIVE. TimescaleDB: not needed.
select c.oid::int8 as oid, n.nspname as schema, c.relname as table, c.relkind as kind, owner.rolname as owner,
  pg_relation_filenode(c.oid) as filenode, current_setting('block_size')::int as "blockSize",
  case when c.relkind = 'r' then pg_relation_size(c.oid) / current_setting('block_size')::int end as blocks,
  pg_has_role($3::name, c.relowner, 'usage') as "mayChange",
  has_database_privilege($3::name, current_database(), 'create') as "mayCreateSchemas",
  has_schema_privilege(c.relowner, n.oid, 'create') as "ownerCreates"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles owner on owner.oid = c.relowner
where c.relname = $2 and (n.nspname = $1 or ($1::text is null and n.nspname !~ '^(pg_|qicore_adopt|information_schema$|_timescaledb)'))
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by n.nspname
