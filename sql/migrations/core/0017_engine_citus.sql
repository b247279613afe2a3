-- version: 1.17.0
-- description: The engine of a migration may be citus
alter table qicore.schema_versions drop constraint schema_versions_engine_check;
alter table qicore.schema_versions add constraint schema_versions_engine_check
  check (engine in ('timescaledb', 'apache', 'citus', 'postgres'));
