-- Jobs of TimescaleDB's scheduler that call qicore.retain, with the table that their config names.
-- One row a job. TimescaleDB: 2.15
select j.job_id as id, j.config ->> 'object' as object, j.config ->> 'hash' as hash, j.owner::text as owner,
  (select r.rolcanlogin from pg_roles r where r.oid = j.owner::oid) as owner_can_login,
  j.scheduled, j.schedule_interval as schedule,
  j.next_start, s.last_run_started_at as last_started_at, s.last_run_status as last_status, s.job_status = 'Running' as running
from timescaledb_information.jobs j
left join timescaledb_information.job_stats s on s.job_id = j.job_id
where j.proc_schema = 'qicore' and j.proc_name = 'retain'
order by j.job_id
