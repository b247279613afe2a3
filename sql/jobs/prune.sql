-- Deletes the oldest ended rows of the ledger with their steps, and records up to where audits have no rows.
-- $1 interval text: how long rows are kept, $2 the most rows to delete. TimescaleDB: not needed.
with old as materialized (
  select l.id, l.job, coalesce(l.scheduled_at, l.started_at) as at, l.scheduled_at is not null or l.application like 'pg\_cron%' as counts
  from qicore.maintenance_log l
  where coalesce(l.scheduled_at, l.started_at, l.completed_at) < qicore.now() - $1::interval and l.status <> 'running'
  order by coalesce(l.scheduled_at, l.started_at, l.completed_at)
  limit $2
), gone as (
  delete from qicore.maintenance_log l using old where l.id = old.id
)
update qicore.job j set pruned_until = greatest(j.pruned_until, last.at)
from (select job, max(at) as at from old where counts group by job) last
where j.name = last.job
