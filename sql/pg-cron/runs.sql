-- The last run of each job and part that pg_cron started, from the ledger. A run whose session ended without a result
-- counts as failed. No parameters. TimescaleDB: not needed. Requires the qicore schema.
select distinct on (l.job, l.detail ->> 'part') l.job, coalesce(l.detail ->> 'part', '') as part, l.started_at, l.completed_at, l.reason,
  case when gone.yes then 'failed' else l.status end as status, l.error, (l.detail ->> 'pid')::int as pid
from qicore.job j
join qicore.maintenance_log l on l.job = j.name and l.scheduled_at is null and l.token is null and l.application like 'pg\_cron%'
cross join lateral (
  select l.status = 'running' and l.detail ? 'pid'
    and not exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::int and a.application_name in ('', l.application)) as yes
) gone
order by l.job, l.detail ->> 'part', l.started_at desc
