-- Replication slots that no session uses, or that have lost WAL which they need, with what they keep.
-- `limit_bytes` is max_wal_size: the WAL that the server itself wants to keep.
-- No parameters. Locks nothing. TimescaleDB: not needed.
select s.slot_name as name, s.slot_type as type, s.active, s.wal_status,
  pg_wal_lsn_diff(
    case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, s.restart_lsn
  )::float8 as kept_bytes,
  pg_size_bytes(current_setting('max_wal_size'))::float8 as limit_bytes
from pg_replication_slots s
order by 5 desc nulls last, 1
