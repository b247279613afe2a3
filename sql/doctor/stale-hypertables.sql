-- Hypertables that TimescaleDB's catalog names and PostgreSQL does not have.
-- One row a name. TimescaleDB: 2.15
select h.schema_name as schema, h.table_name as name
from _timescaledb_catalog.hypertable h
where not exists (
  select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = h.schema_name and c.relname = h.table_name
)
order by 1, 2
