-- Whether this node of Citus is a worker, and the settings of this session that our transactions may have to correct.
-- Every node has the metadata; only the coordinator has group 0. A setting that this version of Citus does not have is
-- null; override_table_visibility is not in pg_settings.
-- Sent with server.sql, before it is known whether the database has Citus: query_to_xml parses its text when it runs.
-- One row; no row without Citus. TimescaleDB: not needed. Citus: 11.0
select
  query_to_xml('select from pg_catalog.pg_dist_local_group where groupid <> 0', false, true, '')::text <> '' as worker,
  current_setting('citus.override_table_visibility', true) as hides_shards,
  current_setting('citus.enable_schema_based_sharding', true) as distributes_schemas,
  current_setting('citus.use_citus_managed_tables', true) as manages_tables
from pg_extension where extname = 'citus'
