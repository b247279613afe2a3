-- The columns of pg_stat_statements here: they depend on the version of the extension, not of the server.
-- $1 schema of the extension. TimescaleDB: not needed.
select a.attname as name
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = 'pg_stat_statements' and a.attnum > 0 and not a.attisdropped
