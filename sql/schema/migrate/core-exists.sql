-- Whether the schema qicore is installed; works even if it is not.
-- One row. TimescaleDB: not needed.
select to_regclass('qicore.schema_versions') is not null as done
