-- The recorded versions, in the order in which they were applied.
-- One row per version. TimescaleDB: not needed.
select version, stream, description, engine, checksum, applied_at as "appliedAt"
from qicore.schema_versions
order by applied_at, version
