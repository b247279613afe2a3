-- Where pg_cron is on this server, as far as this role may see: settings are hidden from others than pg_read_all_settings,
-- names of sessions and their databases from no role. One row. No parameters. TimescaleDB: not needed.
select
  (select default_version from pg_available_extensions where name = 'pg_cron') as available,
  (select setting from pg_settings where name = 'cron.database_name') as configured,
  (select a.datname from pg_stat_activity a where a.application_name = 'pg_cron scheduler' order by a.pid limit 1) as seen
