-- The commands that `cron install` recorded for pg_cron, of the schedule versions in force.
-- No parameters. TimescaleDB: not needed; needs the schema qicore.
select command.value as command
from qicore.job j
join qicore.job_schedule c on c.job = j.name and c.revision = j.revision
cross join lateral jsonb_each_text(c.commands) as command
where c.runner = 'pg_cron' and c.state = 'active'
