-- The last ended runs of each job, oldest first: status and duration in milliseconds (null if a run has no start). Only
-- the newest rows are read, so that a job whose occurrences are all skipped costs no more.
-- $1 the most runs of a job. TimescaleDB: not needed. One row for each job that has runs.
select j.name, json_agg(json_build_array(l.status, l.ms) order by l.at) as runs
from qicore.job j
cross join lateral (
  select n.status, coalesce(n.scheduled_at, n.started_at) as at,
    round(extract(epoch from n.completed_at - n.started_at) * 1000)::int8 as ms
  from (
    (
      select m.status, m.scheduled_at, m.started_at, m.completed_at from qicore.maintenance_log m
      where m.job = j.name and m.scheduled_at is not null
      order by m.scheduled_at desc
      limit 5 * $1::int
    )
    union all
    (
      select m.status, m.scheduled_at, m.started_at, m.completed_at from qicore.maintenance_log m
      where m.job = j.name and m.scheduled_at is null
      order by m.started_at desc nulls last
      limit 5 * $1::int
    )
  ) n
  where n.status not in ('running', 'skipped')
  order by at desc
  limit $1
) l
group by j.name
