-- Whether this role may read the record of changes. Checked by oid, because resolving a name requires USAGE on the
-- schema. One row; none if the table does not exist. No parameters. TimescaleDB: not needed.
select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as may
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'qicore' and c.relname = 'maintenance_log'
