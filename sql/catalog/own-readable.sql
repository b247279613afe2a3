-- Whether this role may read qicore.policies. By oid: without USAGE on the schema the name could not be resolved.
-- One row; none if the table does not exist. TimescaleDB: not needed.
select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as may
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'qicore' and c.relname = 'policies'
