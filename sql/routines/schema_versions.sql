-- The applied migrations under the name that users of QiCore's tables know.
-- since: 1.5.0
create or replace view public.schema_versions as
select version, applied_at, description, stream, engine, checksum, duration_ms
from qicore.schema_versions;
