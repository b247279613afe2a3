-- Inserts the run record of a job that was not started by a daemon, usually by pg_cron, and returns its id. Returns
-- null, and records the run as skipped, if the database is in restore mode; or, if pg_cron called, while the job is
-- paused, is already running, or belongs to a daemon that is alive. Daemons leave table maintenance to pg_cron unless
-- the configuration names the daemon as its runner.
-- Marks as failed every run whose session has ended, and an earlier run of the same job and part by this session.
-- since: core.1.15.0
-- requires: close_lost_runs
create or replace function qicore.begin_job(job text, operation text, part text default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A background worker of pg_cron has no application_name, only a backend_type.
  application text := coalesce(
    nullif(current_setting('application_name', true), ''),
    (select a.backend_type from pg_stat_activity a where a.pid = pg_backend_pid())
  );
  called_by_cron boolean := coalesce(application like 'pg\_cron%', false);
  skip_reason text;
  log_id bigint;
begin
  -- A procedure that cannot catch its own error leaves its record open; pg_cron has the error in cron.job_run_details.
  update qicore.maintenance_log l
  set status = 'failed', completed_at = qicore.now(), attempts = 1,
    error = 'the run ended without recording a result: see cron.job_run_details for the error'
  where l.job = begin_job.job and l.status = 'running' and l.token is null
    and l.detail ->> 'part' is not distinct from begin_job.part
    and (l.detail ->> 'pid')::integer = pg_backend_pid();
  perform qicore.close_lost_runs();
  if lower(current_setting('timescaledb.restoring', true)) in ('on', 'true', 'yes', '1') then
    skip_reason := 'restoring';
    raise warning using
      message = format(
        '%s was not run: the database is in restore mode (timescaledb.restoring is on)',
        coalesce(begin_job.job, begin_job.operation)
      ),
      hint = 'When the restore has ended: select timescaledb_post_restore();';
  elsif called_by_cron then
    select case
        when c.state = 'paused' then 'paused'
        -- A claim that has expired is no run: its process is gone, and perhaps no daemon ever reclaims it.
        when exists (
          select from qicore.maintenance_log r
          where r.job = j.name and r.token = j.running and r.status = 'running' and r.lease_until > clock_timestamp()
        ) then 'overlap'
        when c.state = 'active' and c.runner = 'daemon'
          and (c.runner_explicit or begin_job.operation <> 'hypertable_maintenance')
          and exists (
            select from qicore.daemon d
            where d.stopped_at is null and d.seen_at > clock_timestamp() - interval '2 minutes'
          )
          then 'enforced by daemon'
      end into skip_reason
    from qicore.job j join qicore.job_schedule c on c.job = j.name and c.revision = j.revision
    where j.name = begin_job.job;
  end if;
  insert into qicore.maintenance_log (
    operation, job, actor, application, status, reason, started_at, completed_at, detail
  )
  values (
    begin_job.operation, begin_job.job, session_user, application,
    case when skip_reason is null then 'running' else 'skipped' end, skip_reason, qicore.now(),
    case when skip_reason is not null then qicore.now() end,
    jsonb_strip_nulls(jsonb_build_object('pid', pg_backend_pid(), 'part', begin_job.part))
  )
  returning id into log_id;
  return case when skip_reason is null then log_id end;
end
$$;
