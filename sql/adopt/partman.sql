-- The schema of the extension pg_partman; no row if it is not installed. Takes no lock. TimescaleDB: not needed.
select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_partman'
