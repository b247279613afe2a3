-- Which names are ordinary tables that are not hypertables. Partitioned tables, partitions and chunks are not ordinary.
-- time_column: its column of type timestamptz, timestamp or date, if it has exactly one.
-- $1 text[] of schemas, $2 text[] of names. One row a table. TimescaleDB: 2.15
select wanted.schema, wanted.name, (
    select min(a.attname::text) from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
    having count(*) = 1
  ) as time_column
from unnest($1::text[], $2::text[]) as wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relname = wanted.name and c.relnamespace = n.oid and c.relkind = 'r'
left join _timescaledb_catalog.hypertable h on h.schema_name = wanted.schema and h.table_name = wanted.name
where h.id is null and not exists (select from pg_inherits i where i.inhrelid = c.oid)
