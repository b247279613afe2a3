-- Ends the records of runs whose session has ended, and returns how many. completed_at stays null, because the time of
-- the end is not known. A job's run becomes failed, so that its schedule counts it; other runs become interrupted.
-- The query is the text of sql/run/lost.sql (a test compares them).
-- since: core.1.11.0
create or replace function qicore.close_lost_runs()
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
with lost as (
  select l.id
  from qicore.maintenance_log l
  cross join lateral (select to_jsonb(l) ->> 'application' as application) session
  where l.status = 'running' and l.token is null and case
      -- The embedded engine is one process: a run that began before it started has ended.
      when pg_backend_pid() = 0 then l.started_at < pg_postmaster_start_time() or (l.detail ->> 'pid')::integer <> 0
      -- Pids are reused: the session must be older than the run's last report. Other roles' backend_start is hidden.
      when l.detail ? 'pid' then not exists (
        select from pg_stat_activity a
        where a.pid = (l.detail ->> 'pid')::integer
          and (a.application_name in ('', session.application) or coalesce(a.backend_start <= greatest(l.started_at, l.lease_until), true))
      )
      -- Behind a transaction pooler the pid changes: the lease has expired and no other session of that name is active.
      when l.lease_until is not null then l.lease_until < clock_timestamp() and not exists (
        select from pg_stat_activity a
        where a.application_name = session.application and coalesce(a.state, 'active') <> 'idle' and a.pid <> pg_backend_pid()
      )
      -- Recorded by an older program: no session of that name began before the run.
      else coalesce(session.application, '') <> '' and not exists (
        select from pg_stat_activity a where a.application_name = session.application and coalesce(a.backend_start <= l.started_at, true)
      )
    end
), closed as (
  update qicore.maintenance_log l
  set status = case when l.job is null then 'interrupted' else 'failed' end, detail = coalesce(l.detail, '{}') || '{"reason": "session_ended"}',
    error = 'the session ended before the run recorded a result' || case when l.application like 'pg\_cron%' then ': see cron.job_run_details for the error' else '' end
  from lost where l.id = lost.id and l.status = 'running' and l.token is null
  returning l.id
)
select count(*) from closed
$$;
