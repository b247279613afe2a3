-- Whether the schema qicore has been installed here; answers also where it has not.
-- One row. TimescaleDB: not needed.
select to_regclass('qicore.schema_versions') is not null as done
