-- Which of these chunks are compressed, hold other rows beside, and are out of order: status bits 1, 8 and 2.
-- $1 text[] of chunks as SQL reads them. TimescaleDB: 2.15 to 2.28
select asked.object
from unnest($1::text[]) as asked (object)
join pg_class c on c.oid = to_regclass(asked.object)
join pg_namespace n on n.oid = c.relnamespace
join _timescaledb_catalog.chunk k on k.schema_name = n.nspname and k.table_name = c.relname
where k.status & 11 = 11
