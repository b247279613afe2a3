-- The version of TimescaleDB that is installed in this database, and the version of the files on the server. Run in a
-- session that does not load the library. TimescaleDB: not needed.
select
  (select extversion from pg_extension where extname = 'timescaledb') as installed,
  (select default_version from pg_available_extensions where name = 'timescaledb') as available
