-- The three roles that qicore-db needs, with nothing beyond. Run by a role that may create roles, in the database in
-- question: once before the schema qicore is made, so that a member of qicore_install may make it, and again after
-- that and after each update, so that the others are granted what is in it. Safe to repeat.
--   psql -X -v ON_ERROR_STOP=1 -f sql/roles.sql
-- Then give people and the daemon a login of their own: grant qicore_operate to daemon_login;
--
-- qicore_read     reports and dry runs: sees sizes, chunks, policies, the history; changes nothing.
-- qicore_operate  what a daemon and an operator do: jobs, the ledger, run locks. To change tables it must also be a
--                 member of the role that owns them: grant <owner> to qicore_operate; and the target names it (role:).
-- qicore_install  the schema qicore itself and its migrations.
-- TimescaleDB: not needed.
do $roles$
declare
  needed text;
begin
  foreach needed in array array['qicore_read', 'qicore_operate', 'qicore_install'] loop
    if not exists (select from pg_roles where rolname = needed) then
      execute format('create role %I nologin', needed);
    end if;
  end loop;

  grant qicore_read to qicore_operate;
  grant qicore_operate to qicore_install;

  -- Other roles' queries and states, sizes of what they own, text of pg_stat_statements.
  grant pg_monitor to qicore_read;
  begin
    execute format('grant create on database %I to qicore_install', current_database());
  exception when internal_error then
    -- The embedded engine trips over this one; it has no logins either.
    raise warning 'create on this database could not be granted to qicore_install: %', sqlerrm;
  end;
  if to_regnamespace('qicore') is null then
    return;
  end if;

  grant usage on schema qicore to qicore_read;
  grant select on all tables in schema qicore to qicore_read;
  grant insert, update, delete on
    qicore.maintenance_log, qicore.maintenance_step, qicore.run_lock, qicore.job, qicore.job_calendar, qicore.daemon, qicore.timeline,
    qicore.policies, qicore.aggregates
  to qicore_operate;
  grant usage on all sequences in schema qicore to qicore_operate;
  grant execute on all functions in schema qicore to qicore_operate;
  grant execute on all procedures in schema qicore to qicore_operate;
  grant create on schema qicore to qicore_install;
  grant insert, update, delete on all tables in schema qicore to qicore_install;
end
$roles$
