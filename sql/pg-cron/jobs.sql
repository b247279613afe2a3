-- The entries of pg_cron for one database with their last run: those of this role, or all as a superuser.
-- $1 database. TimescaleDB: not needed. pg_cron: 1.3.
select j.jobid as id, j.jobname::text as name, j.schedule, j.command, j.database, j.username, j.active,
  d.status, d.return_message as message, d.start_time as started_at, d.end_time as ended_at, d.job_pid as pid
from cron.job j
left join lateral (
  select r.* from cron.job_run_details r where r.jobid = j.jobid order by r.runid desc limit 1
) d on true
where j.database = $1
order by j.jobname::text, j.jobid
