-- Bytes of partitions before and after qicore-db converted them to columnar. A name that an operator gave to another
-- table, or an oid that was used again, has no row. TimescaleDB: not needed; needs the schema qicore.
select k.relation::int8 as relation, k.name, k.before_bytes, k.after_bytes
from qicore.columnar_partition k
join pg_class c on c.oid = k.relation
join pg_namespace n on n.oid = c.relnamespace
where k.name = format('%I.%I', n.nspname, c.relname)
