-- The three roles of qicore-db, with only the privileges that it needs. Run it in the target database, as a role that
-- may create roles: once before the qicore schema is created, so that members of qicore_install can create it, and
-- again after that and after each update, to grant privileges on its objects. It can be run repeatedly.
--   psql -X -v ON_ERROR_STOP=1 -f sql/roles.sql
-- Then create login roles for operators and the daemon: grant qicore_operate to daemon_login;
--
-- qicore_read     reports and dry runs: reads sizes, chunks, policies and the history; changes nothing.
-- qicore_operate  daemons and operators: jobs, the ledger, run locks. To change tables it must also be a member of the
--                 role that owns them (grant <owner> to qicore_operate), and the target must name that role (role:).
-- qicore_install  the qicore schema and its migrations.
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

  -- For the queries and states of other roles, the sizes of their relations, and the texts in pg_stat_statements.
  grant pg_monitor to qicore_read;
  begin
    execute format('grant create on database %I to qicore_install', current_database());
  exception when internal_error then
    -- The embedded engine raises an internal error here; it has no logins, so the grant is not needed.
    raise warning 'create on this database could not be granted to qicore_install: %', sqlerrm;
  end;
  if to_regnamespace('qicore') is null then
    return;
  end if;

  grant usage on schema qicore to qicore_read;
  grant select on all tables in schema qicore to qicore_read;
  grant insert, update, delete on
    qicore.maintenance_log, qicore.maintenance_step, qicore.run_lock, qicore.job, qicore.job_schedule, qicore.daemon, qicore.timeline,
    qicore.policies, qicore.aggregates, qicore.size_snapshot, qicore.columnar_partition,
    qicore.detached_partition
  to qicore_operate;
  grant usage on all sequences in schema qicore to qicore_operate;
  grant execute on all functions in schema qicore to qicore_operate;
  grant execute on all procedures in schema qicore to qicore_operate;
  grant create on schema qicore to qicore_install;
  grant insert, update, delete on all tables in schema qicore to qicore_install;
end
$roles$
