-- Opens the page of a run that something else than a daemon has begun, pg_cron above all, and returns its id. Null where
-- there is nothing to do: pg_cron called, and the job is paused, at work just now, or that of a daemon that is alive;
-- that is written down as skipped. The maintenance of the tables is anybody's to schedule: daemons leave it to pg_cron,
-- so it is theirs only where the configuration gives it to them. In restore mode nothing runs, and that is recorded as skipped too.
-- Runs whose session is gone are closed; so is an earlier run of the same job (and part of it) by this session.
-- since: core.1.11.0
-- requires: close_lost_runs
create or replace function qicore.begin_job(job text, operation text, part text default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A background worker of pg_cron has no application_name: what it is stands in its type.
  application text := coalesce(nullif(current_setting('application_name', true), ''), (select a.backend_type from pg_stat_activity a where a.pid = pg_backend_pid()));
  by_cron boolean := coalesce(application like 'pg\_cron%', false);
  why text;
  result bigint;
begin
  -- An earlier run of this session did not end: what cannot catch its own error leaves it in cron.job_run_details.
  update qicore.maintenance_log l
  set status = 'failed', completed_at = qicore.now(), attempts = 1, error = 'it ended without recording a result: cron.job_run_details has what the server said'
  where l.job = begin_job.job and l.status = 'running' and l.token is null and l.detail ->> 'part' is not distinct from begin_job.part
    and (l.detail ->> 'pid')::integer = pg_backend_pid();
  perform qicore.close_lost_runs();
  if lower(current_setting('timescaledb.restoring', true)) in ('on', 'true', 'yes', '1') then
    why := 'restoring';
    raise warning using
      message = format('%s was not run: the database is in restore mode (timescaledb.restoring is on)', coalesce(begin_job.job, begin_job.operation)),
      hint = 'When the restore has ended: select timescaledb_post_restore();';
  elsif by_cron then
    select case
        when c.state = 'paused' then 'paused'
        when j.running is not null then 'overlap'
        when c.state = 'active' and c.runner = 'daemon' and (c.told or begin_job.operation <> 'hypertable_maintenance')
          and exists (select from qicore.daemon d where d.stopped_at is null and d.seen_at > clock_timestamp() - interval '2 minutes')
          then 'enforced by daemon'
      end into why
    from qicore.job j join qicore.job_calendar c on c.job = j.name and c.revision = j.revision
    where j.name = begin_job.job;
  end if;
  insert into qicore.maintenance_log (operation, job, actor, application, status, reason, started_at, completed_at, detail)
  values (
    begin_job.operation, begin_job.job, session_user, application, case when why is null then 'running' else 'skipped' end, why, qicore.now(),
    case when why is not null then qicore.now() end, jsonb_strip_nulls(jsonb_build_object('pid', pg_backend_pid(), 'part', begin_job.part))
  )
  returning id into result;
  return case when why is null then result end;
end
$$;
