-- Jobs of TimescaleDB's scheduler that are not policies: neither those of TimescaleDB nor gated retentions.
-- Ids below 1000 are internal jobs of the extension.
-- $1 text[] of the policies' procedures. One row a job. TimescaleDB: 2.15
select j.job_id as id, j.application_name as name, format('%I.%I', j.proc_schema, j.proc_name) as proc, j.owner::text as owner, j.scheduled,
  j.schedule_interval as schedule, j.next_start, s.last_run_started_at as last_started_at, s.last_run_status as last_status,
  not exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = j.proc_schema and p.proname = j.proc_name) as procedure_gone
from timescaledb_information.jobs j
left join timescaledb_information.job_stats s on s.job_id = j.job_id
where j.job_id >= 1000
  and not (j.proc_name = any ($1::text[]) and j.proc_schema in ('_timescaledb_functions', '_timescaledb_internal'))
  and not (j.proc_schema = 'qicore' and j.proc_name = 'retain')
order by j.job_id
