-- Runs that are recorded as running but whose session is gone: the process was killed, or the server restarted.
-- Claimed occurrences are excluded: a daemon reclaims them by their lease. The same text as in qicore.close_lost_runs
-- (a test compares them), so that a report needs no routine. The column application exists since core.1.10.0.
-- No parameters. TimescaleDB: not needed.
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
