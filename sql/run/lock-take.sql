-- Takes a run lock, or returns its holder. A holder is gone if its backend is gone; behind a pooler, or if its pid now
-- belongs to another run, once its lease has expired; always on the embedded engine, which has one process. While a
-- step of the holder is running, its transaction locks the row, and SKIP LOCKED leaves the lock to the holder.
-- $1 name, $2 holder, $3 whether backend pids identify a session, $4 whether no other process can exist (embedded),
-- $5 lease in seconds. One row: token (null if held by another run), holder, since. TimescaleDB: not needed.
with free as (
  select l.name
  from qicore.run_lock seen
  -- Another run may take the lock between this statement's snapshot and its row lock. PostgreSQL then re-evaluates only
  -- l with the new row version; the other tables keep the snapshot. Comparing the tokens detects the change.
  join qicore.run_lock l on l.name = seen.name and l.token = seen.token
  left join pg_stat_activity a on a.pid = seen.backend_pid
  where seen.name = $1
    and (
      l.released_at is not null
      or $4
      or (l.backend_pid = seen.backend_pid and a.pid is null)
      or (l.lease_until < clock_timestamp() and coalesce(a.application_name, '') not like 'qicore-db/%')
    )
  for update of l skip locked
), taken as (
  update qicore.run_lock l
  set holder = $2, token = l.token + 1, acquired_at = clock_timestamp(), released_at = null,
    lease_until = clock_timestamp() + $5 * interval '1 second', backend_pid = case when $3 then pg_backend_pid() end
  from free where l.name = free.name
  returning l.name, l.token
), made as (
  insert into qicore.run_lock (name, holder, token, acquired_at, lease_until, backend_pid)
  values ($1, $2, 1, clock_timestamp(), clock_timestamp() + $5 * interval '1 second', case when $3 then pg_backend_pid() end)
  on conflict (name) do nothing
  returning name, token
)
select coalesce(taken.token, made.token) as token, held.holder, held.acquired_at as since
from (select 1) as one
left join taken on true
left join made on true
left join qicore.run_lock held on held.name = $1
