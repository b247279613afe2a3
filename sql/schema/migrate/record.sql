-- Records a version as the last statement of its file's transaction; now() is the start of that transaction.
-- $1 version, $2 description, $3 stream, $4 engine, $5 checksum. TimescaleDB: not needed.
insert into qicore.schema_versions (version, description, stream, engine, checksum, applied_at, duration_ms)
values ($1, $2, $3, $4, $5, clock_timestamp(), extract(epoch from clock_timestamp() - now()) * 1000)
