-- One job of TimescaleDB's scheduler with its statistics and its last error, as far as this role may see that. The
-- statistics are null for a job that has never run.
-- $1 id of the job. One row or none. TimescaleDB: 2.15
select
  j.job_id as id, j.application_name as name, format('%I.%I', j.proc_schema, j.proc_name) as proc, j.owner::text as owner,
  coalesce((select r.rolcanlogin from pg_roles r where r.oid = j.owner::oid), false) as owner_can_login,
  not exists (
    select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = j.proc_schema and p.proname = j.proc_name
  ) as procedure_gone,
  j.scheduled, j.schedule_interval as every, j.max_runtime, j.max_retries, j.retry_period, j.next_start,
  s.last_run_started_at as last_started_at, s.last_run_status as last_status, s.job_status = 'Running' as running,
  b.consecutive_failures as failures, b.consecutive_crashes as crashes,
  e.finish_time as error_at, e.sqlerrcode as error_state, e.err_message as error
from timescaledb_information.jobs j
left join timescaledb_information.job_stats s on s.job_id = j.job_id
left join _timescaledb_internal.bgw_job_stat b on b.job_id = j.job_id
left join lateral (
  select e.finish_time, e.sqlerrcode, e.err_message
  from timescaledb_information.job_errors e
  where e.job_id = j.job_id and e.err_message is not null
  order by e.start_time desc
  limit 1
) as e on true
where j.job_id = $1
