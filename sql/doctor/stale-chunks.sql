-- Chunks that TimescaleDB's catalog names and PostgreSQL does not have, counted by the hypertable.
-- One row a hypertable. TimescaleDB: 2.15 to 2.28
select h.schema_name as schema, h.table_name as name, count(*)::int as chunks
from _timescaledb_catalog.chunk k
join _timescaledb_catalog.hypertable h on h.id = k.hypertable_id
where coalesce((to_jsonb(k) ->> 'dropped')::bool, false) = false
  and not k.osm_chunk
  and not exists (
    select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = k.schema_name and c.relname = k.table_name
  )
group by 1, 2
order by 1, 2
