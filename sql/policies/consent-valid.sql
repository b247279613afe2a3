-- Whether the retentions in qicore.policies are unchanged since they were confirmed.
-- One row a retention. TimescaleDB: not needed; needs the schema qicore.
select p.object, p.config #>> '{consent,hash}' is not distinct from qicore.retention_hash(p.object, p.config) as "consentValid"
from qicore.policies p
where p.kind = 'retention'
