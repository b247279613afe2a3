-- The database of pg_cron on this server. The setting is visible only with pg_read_all_settings; application_name and
-- database of sessions are visible to every role. One row. No parameters. TimescaleDB: not needed.
select
  (select default_version from pg_available_extensions where name = 'pg_cron') as available,
  (select setting from pg_settings where name = 'cron.database_name') as configured,
  (select a.datname from pg_stat_activity a where a.application_name = 'pg_cron scheduler' order by a.pid limit 1) as seen
