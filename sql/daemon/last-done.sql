-- When each job was last done, by a schedule or by hand.
-- No parameters. TimescaleDB: not needed.
select l.job, max(l.completed_at) as at
from qicore.maintenance_log l
where l.job is not null and l.status in ('done', 'late-done')
group by l.job
