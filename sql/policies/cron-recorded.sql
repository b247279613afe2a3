-- What `cron install` wrote down that pg_cron runs here, by the calendars in force.
-- No parameters. TimescaleDB: not needed; wants our schema qicore.
select command.value as command
from qicore.job j
join qicore.job_calendar c on c.job = j.name and c.revision = j.revision
cross join lateral jsonb_each_text(c.commands) as command
where c.runner = 'pg_cron' and c.state = 'active'
