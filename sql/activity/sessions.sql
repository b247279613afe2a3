-- Sessions of this database that are active, have an open transaction or block another session: what they wait for,
-- which sessions block them, which relations they have locked, and the progress of maintenance commands.
-- pg_blocking_pids locks the whole lock manager briefly, so it is called for waiting sessions only. State and query of
-- other roles are null without pg_monitor; locks and blockers are visible to every role.
-- No parameters. Locks nothing. TimescaleDB: not needed.
with held as materialized (
  select l.pid, l.relation::int8 as relation, l.mode, l.granted, l.locktype
  from pg_locks l
  where l.database = (select oid from pg_database where datname = current_database()) or not l.granted
), waiting as materialized (
  select w.pid, pg_blocking_pids(w.pid) as blockers from (select distinct pid from held where not granted) w
), locked as materialized (
  -- float8: the driver returns the elements of an int8[] as text.
  select h.pid, array_agg(distinct h.relation::float8) as relations
  from held h
  join pg_class c on c.oid = h.relation and c.relkind in ('r', 'p', 'm')
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', '_timescaledb_catalog', '_timescaledb_config', '_timescaledb_cache')
  group by h.pid
), progress as (
  select pid, 'VACUUM' as command, phase, heap_blks_scanned as done, heap_blks_total as total from pg_stat_progress_vacuum
  union all
  select pid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total from pg_stat_progress_analyze
  union all
  select pid, command, phase, blocks_done, blocks_total from pg_stat_progress_create_index
  union all
  select pid, command, phase, heap_blks_scanned, heap_blks_total from pg_stat_progress_cluster
  union all
  select pid, command, null, bytes_processed, bytes_total from pg_stat_progress_copy
)
select
  a.pid, a.backend_type, a.usename as role, a.application_name as application, host(a.client_addr) as client,
  a.state, a.query_start, a.xact_start, a.state_change,
  case when a.query = '<insufficient privilege>' then null else left(a.query, 1000) end as query,
  a.wait_event_type, a.wait_event, coalesce(w.blockers, '{}') as blockers,
  (select h.relation from held h where h.pid = a.pid and not h.granted limit 1) as waits_for,
  (select h.mode from held h where h.pid = a.pid and not h.granted limit 1) as waits_for_mode,
  coalesce(k.relations, '{}') as relations,
  p.command, p.phase, p.done, nullif(p.total, 0) as total
from pg_stat_activity a
left join waiting w on w.pid = a.pid
left join locked k on k.pid = a.pid
left join progress p on p.pid = a.pid
where a.pid <> pg_backend_pid()
  and a.datname = current_database()
  -- backend_type is hidden from a role without pg_monitor; the application_name of a background process is not.
  and coalesce(a.backend_type, a.application_name, '') !~ 'TimescaleDB Background Worker|launcher|pg_cron launcher'
  and (
    a.state <> 'idle'
    -- The state is hidden from this role, but a transaction always holds a lock on its virtual transaction id.
    or (a.state is null and exists (select from pg_locks v where v.pid = a.pid and v.locktype = 'virtualxid' and v.granted))
    or a.pid in (select unnest(blockers) from waiting)
  )
order by a.xact_start nulls last, a.query_start nulls last, a.pid
