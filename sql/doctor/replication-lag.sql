-- How far the standbys and subscribers of this server are behind it, and how far a standby is behind its primary.
-- Without pg_monitor `state` and the positions of other roles are null. The state of a standby itself is that of its WAL
-- receiver: `stopped` if none runs, `archive` if it is meant to read archived WAL only.
-- `limit_bytes` is max_wal_size.
-- No parameters. Locks nothing. TimescaleDB: not needed.
select coalesce(nullif(r.application_name, ''), 'process ' || r.pid) as name, r.state, false as here, false as paused,
  pg_wal_lsn_diff(
    case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, r.replay_lsn
  )::float8 as behind_bytes,
  extract(epoch from r.replay_lag)::float8 * 1000 as behind_ms,
  pg_size_bytes(current_setting('max_wal_size'))::float8 as limit_bytes, null::timestamptz as replayed
from pg_stat_replication r
-- A session that takes a backup replays nothing.
where r.replay_lsn is not null or r.state is null
union all
select 'this server',
  case when w.pid is not null then w.status
    else case (select setting = '' from pg_settings where name = 'primary_conninfo') when true then 'archive' when false then 'stopped' end
  end, true, pg_is_wal_replay_paused(),
  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8,
  -- The last transaction may be old because the primary is idle.
  case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
    else extract(epoch from clock_timestamp() - x.replayed)::float8 * 1000 end,
  pg_size_bytes(current_setting('max_wal_size'))::float8, x.replayed
from (select pg_last_xact_replay_timestamp() as replayed) x
left join pg_stat_wal_receiver w on true
where pg_is_in_recovery()
order by 1
