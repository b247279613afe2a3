-- Number of runs of each job and day (UTC) by how they ended, oldest day first. A run whose session ended without a
-- result counts as failed, as in jobs/history.
-- $1 the first day. TimescaleDB: not needed.
select l.job, to_char(timezone('UTC', coalesce(l.scheduled_at, l.started_at)), 'YYYY-MM-DD') as day,
  case
    when l.status = 'running' and l.token is null and l.detail ? 'pid'
      and not exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::int and a.application_name in ('', l.application))
    then 'failed'
    when l.status = 'running' and l.token is not null and l.claimed_by is null then 'retry'
    else l.status
  end as status,
  count(*)::int as runs
from qicore.maintenance_log l
where l.job is not null and coalesce(l.scheduled_at, l.started_at) >= $1::timestamptz
group by 1, 2, 3
order by 2, 1, 3
