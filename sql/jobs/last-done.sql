-- When each job last succeeded, by schedule or by hand.
-- No parameters. TimescaleDB: not needed. late-done is the former name of done_late, before core.1.14.0.
select l.job, max(l.completed_at) as at
from qicore.maintenance_log l
where l.job is not null and l.status in ('done', 'done_late', 'late-done')
group by l.job
