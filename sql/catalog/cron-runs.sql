-- The last run of entries of pg_cron. No row for an entry without one; pg_cron records none while cron.log_run is off.
-- $1 bigint[] of jobids. TimescaleDB: not needed. pg_cron: 1.3.
select d.jobid::int as id, d.status, d.start_time as started_at, d.end_time as ended_at, d.return_message as message
from unnest($1::bigint[]) as entry (id)
cross join lateral (
  select r.* from cron.job_run_details r where r.jobid = entry.id order by r.runid desc limit 1
) d
