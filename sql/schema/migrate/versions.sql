-- The versions that are recorded here, in the order in which they were applied.
-- One row a version. TimescaleDB: not needed.
select version, stream, description, engine, checksum, applied_at as "appliedAt"
from qicore.schema_versions
order by applied_at, version
