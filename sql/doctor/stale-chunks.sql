-- Chunks that TimescaleDB's catalog names and PostgreSQL does not have, counted by the hypertable.
-- One row a hypertable. TimescaleDB: 2.15 to 2.28
with missing as materialized (
  select k.id
  from _timescaledb_catalog.chunk k
  left join (pg_class c join pg_namespace n on n.oid = c.relnamespace) on n.nspname = k.schema_name and c.relname = k.table_name
  where c.oid is null
)
-- Only some versions have the column `dropped`: the rows of all chunks as JSON took two thirds of the time.
select h.schema_name as schema, h.table_name as name, count(*)::int as chunks
from missing
join _timescaledb_catalog.chunk k on k.id = missing.id
join _timescaledb_catalog.hypertable h on h.id = k.hypertable_id
where coalesce((to_jsonb(k) ->> 'dropped')::bool, false) = false
  and not k.osm_chunk
group by 1, 2
order by 1, 2
