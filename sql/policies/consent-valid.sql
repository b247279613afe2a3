-- Whether the retentions declared in qicore.policies are as they were agreed to.
-- One row a retention. TimescaleDB: not needed; wants our schema qicore.
select p.object, p.config #>> '{consent,hash}' is not distinct from qicore.retention_hash(p.object, p.config) as "consentValid"
from qicore.policies p
where p.kind = 'retention'
