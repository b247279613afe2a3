-- Whether this role may read what is declared in the schema qicore: by oid, since a name could not be resolved without
-- USAGE on the schema. One row; none where there is no such table. TimescaleDB: not needed.
select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as may
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'qicore' and c.relname = 'policies'
