-- Whether a version is recorded here.
-- $1 version. One row. TimescaleDB: not needed.
select exists (select from qicore.schema_versions where version = $1) as done
