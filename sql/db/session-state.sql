-- Whether the server of this session is a standby, and whether transactions are read-only by default: for servers that
-- do not report it by themselves (PostgreSQL before 14, a pooler). No parameters. TimescaleDB: not needed.
select
  pg_catalog.pg_is_in_recovery() as "inRecovery",
  pg_catalog.current_setting('transaction_read_only') = 'on' as "readOnly"
