-- The schedules of the jobs that pg_cron runs for this database, of the schedule versions in force.
-- No parameters. TimescaleDB: not needed; needs the schema qicore.
select distinct c.schedule
from qicore.job j
join qicore.job_schedule c on c.job = j.name and c.revision = j.revision
where c.runner = 'pg_cron' and c.state = 'active'
