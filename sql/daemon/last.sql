-- The last occurrence of each job that came to an end, and the daemons that are alive.
-- No parameters. TimescaleDB: not needed.
select j.name, l.status, l.reason, l.error, l.scheduled_at, l.started_at, l.completed_at
from qicore.job j
left join lateral (
  select m.* from qicore.maintenance_log m
  where m.job = j.name and m.scheduled_at is not null and m.status <> 'running'
  order by m.scheduled_at desc
  limit 1
) l on true
order by j.name
