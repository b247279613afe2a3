-- Jobs of TimescaleDB's scheduler whose last runs failed, with the last error as far as this role may see it: of jobs of
-- other owners it sees none. `hypertable_id` is null for a job that is not a policy. Numbers below 1000 are the extension's.
-- One row a job. TimescaleDB: 2.15
select
  j.job_id as id, format('%I.%I', j.proc_schema, j.proc_name) as proc, j.owner::text as owner, j.scheduled, j.max_retries,
  coalesce(j.config ->> 'hypertable_id', j.config ->> 'mat_hypertable_id') as hypertable_id,
  s.consecutive_failures as failures, s.consecutive_crashes as crashes,
  e.finish_time as at, e.sqlerrcode as state, e.err_message as message
from timescaledb_information.jobs j
join _timescaledb_internal.bgw_job_stat s on s.job_id = j.job_id
left join lateral (
  select e.finish_time, e.sqlerrcode, e.err_message
  from timescaledb_information.job_errors e
  where e.job_id = j.job_id and e.err_message is not null
  order by e.start_time desc
  limit 1
) as e on true
where j.job_id >= 1000 and (s.consecutive_failures > 0 or s.consecutive_crashes > 0)
order by j.job_id
