-- Takes the run lock, or says who has it. A holder is gone when its backend is; behind a pooler, or where the pid now
-- belongs to another run, when its lease ran out; always on the embedded engine, which has one process. While a
-- step of the holder runs, its transaction holds the row's key: SKIP LOCKED then finds nothing to take over.
-- $1 name, $2 holder, $3 whether backend pids mean something here, $4 whether no other process can be alive,
-- $5 lease in seconds. One row: token (null: held), holder, since. TimescaleDB: not needed.
with free as (
  select l.name
  from qicore.run_lock seen
  -- Another run may take the lock between this statement's snapshot and its row lock. PostgreSQL then looks at the
  -- new row of l only, and everything else here is old: the token tells that it is no longer the row that was seen.
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
