-- Emulated aggregates: the name of the view, the table with the rows, how far it is computed.
-- Names are joined with the catalog: to_regclass raises an error if this role lacks USAGE on a schema, and one such
-- schema would hide every aggregate.
-- TimescaleDB: not needed; needs the schema qicore.
select
  n.nspname as schema, v.relname as name, dn.nspname as storage_schema, d.relname as storage_name, d.oid::int8 as relation,
  d.relowner::int8 as owner,  format_type(c.atttypid, null) as time_type, a.source, a.bucket, a.watermark
from (select g.*, parse_ident(g.view) as view_name, parse_ident(g.data) as data_name from qicore.aggregates g) a
join pg_namespace n on n.nspname = a.view_name[1]
join pg_class v on v.relnamespace = n.oid and v.relname = a.view_name[2]
join pg_namespace dn on dn.nspname = a.data_name[1]
join pg_class d on d.relnamespace = dn.oid and d.relname = a.data_name[2]
join pg_attribute c on c.attrelid = d.oid and c.attname = 'bucket'
