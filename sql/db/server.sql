-- Version, features and settings of the server, read once for each connection. TimescaleDB: not needed. Runs on
-- PostgreSQL 14 and later, as any role: pg_settings hides a setting that the role may not read, while current_setting
-- fails. Workers are found by application_name, which every role sees; backend_type of other roles' backends is null.
select
  current_setting('server_version_num')::int as version_num,
  split_part(current_setting('server_version'), ' ', 1) as postgres,
  current_database() as database,
  current_user as role,
  host(inet_server_addr()) as host,
  inet_server_port() as port,
  pg_backend_pid() as pid,
  (select a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid()) as backend_start,
  clock_timestamp() as now,
  pg_is_in_recovery() as in_recovery,
  pg_last_xact_replay_timestamp() as replayed_at,
  (select rolsuper from pg_roles where rolname = current_user) as superuser,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as reads_all_stats,
  -- Some services do not have these functions.
  coalesce(has_function_privilege(to_regprocedure('pg_ls_dir(text)'), 'execute')
    and has_function_privilege(to_regprocedure('pg_stat_file(text, boolean)'), 'execute'), false) as reads_files,
  ts.extversion as timescaledb,
  ts.nspname as timescaledb_schema,
  available.timescaledb as timescaledb_available,
  current_setting('timescaledb.license', true) as license,
  current_setting('timescaledb.restoring', true) as restoring,
  current_setting('timescaledb.disable_load', true) as disable_load,
  current_setting('timescaledb.enable_optimizations', true) as enable_optimizations,
  current_setting('timescaledb.enable_transparent_decompression', true) as enable_transparent_decompression,
  -- The settings with which the next session of this role starts; an open session keeps those with which it started.
  (
    select coalesce(
      json_agg(json_build_object('setting', setting.text, 'of_role', s.setrole <> 0, 'of_database', s.setdatabase <> 0)
        order by s.setrole <> 0 and s.setdatabase <> 0 desc, s.setrole <> 0 desc), '[]')
    from pg_db_role_setting s
    join pg_roles r on r.rolname = current_user
    join pg_database d on d.datname = current_database()
    cross join lateral unnest(s.setconfig) as setting (text)
    where s.setdatabase in (0, d.oid) and s.setrole in (0, r.oid) and setting.text like 'timescaledb.%'
  ) as stored_settings,
  current_setting('idle_session_timeout') <> '0' as ends_idle_sessions,
  current_setting('client_min_messages') in ('warning', 'error') as hides_notices,
  current_setting('timescaledb.max_background_workers', true)::int as max_background_workers,
  -- The slots left for TimescaleDB: the launcher and workers of replication and pg_cron's scheduler use slots too.
  current_setting('max_worker_processes')::int
    - (current_setting('max_logical_replication_workers')::int > 0)::int
    - (select count(pid)::int from pg_stat_subscription)
    - (select count(*)::int from pg_stat_activity where application_name = 'pg_cron scheduler') as worker_processes_left,
  (select count(*)::int from pg_stat_activity where application_name like 'TimescaleDB Background Worker Scheduler%') as schedulers,
  (select extversion from pg_extension where extname = 'citus') as citus,
  exists (
    select from pg_stat_activity
    where application_name like 'TimescaleDB Background Worker Scheduler%' and datname = current_database()
  ) as scheduler_seen,
  exists (select from pg_stat_activity where application_name = 'TimescaleDB Background Worker Launcher') as launcher_seen,
  (select extversion from pg_extension where extname = 'pg_cron') as pg_cron,
  exists (select from pg_stat_activity where application_name = 'pg_cron scheduler') as pg_cron_seen,
  available.pg_cron as pg_cron_available,
  visible.pg_cron_database,
  visible.pg_cron_settings,
  stat.extversion as pg_stat_statements,
  stat.nspname as pg_stat_statements_schema,
  visible.preloaded,
  current_setting('max_locks_per_transaction')::int as max_locks_per_transaction,
  -- From the catalog, because to_regclass raises an error if the role has no usage on the schema.
  exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'qicore' and c.relname = 'schema_versions'
  ) as has_core,
  exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'qicore' and c.relname = 'job_calendar' and c.relkind = 'r'
  ) as former_job_table,
  exists (
    select from pg_attribute
    where attrelid = to_regclass('_timescaledb_catalog.chunk') and attname = 'relid' and not attisdropped
  ) as chunk_has_relid,
  case
    when to_regclass('_timescaledb_catalog.continuous_aggs_materialization_ranges') is null then null
    when to_regclass('_timescaledb_catalog.continuous_aggs_jobs_refresh_ranges') is null then 'used' else 'left'
  end as materialization_ranges,
  current_setting('timescaledb.compress_truncate_behaviour', true) is not null as truncates_or_deletes
from (
  select
    max(setting) filter (where name = 'cron.database_name') as pg_cron_database,
    max(setting) filter (where name = 'shared_preload_libraries') as preloaded,
    coalesce(array_agg(name) filter (where name like 'cron.%'), '{}') as pg_cron_settings
  from pg_settings
) as visible
-- The view reads every control file of the server, so it is read once.
cross join (
  select
    max(default_version) filter (where name = 'timescaledb') as timescaledb,
    max(default_version) filter (where name = 'pg_cron') as pg_cron
  from pg_available_extensions
) as available
left join (
  select e.extversion, n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
  where e.extname = 'timescaledb'
) as ts on true
left join (
  select e.extversion, n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
  where e.extname = 'pg_stat_statements'
) as stat on true
