-- The ledger under the name that users of QiCore's tables know. Inserts may set operation and completed_at.
-- since: 1.5.0
create or replace view public.maintenance_log as
select id, operation, completed_at, job, scheduled_at, started_at, status, attempts, actor, target_host, detail, error
from qicore.maintenance_log;
