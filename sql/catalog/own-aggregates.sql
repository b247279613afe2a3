-- Aggregates that are a table of ours under a view: the view's name, the table with the rows, how far it is computed.
-- TimescaleDB: not needed; wants our schema qicore.
select
  n.nspname as schema, v.relname as name, dn.nspname as storage_schema, d.relname as storage_name, d.oid::int8 as relation,
  format_type(c.atttypid, null) as time_type, a.source, a.bucket, a.watermark
from qicore.aggregates a
join pg_class v on v.oid = to_regclass(a.view)
join pg_namespace n on n.oid = v.relnamespace
join pg_class d on d.oid = to_regclass(a.data)
join pg_namespace dn on dn.oid = d.relnamespace
join pg_attribute c on c.attrelid = d.oid and c.attname = 'bucket'
