-- Server processes that this daemon waits for and that will not answer any more: gone, or idle for so long that their
-- answer was lost in the network. A process whose state this role may not read counts as running.
-- $1 int[] of pids, $2 timestamptz[] of their starts, $3 seconds. TimescaleDB: not needed.
select w.pid
from unnest($1::int[], $2::timestamptz[]) as w (pid, started_at)
where not exists (
  select from pg_stat_activity a
  where a.pid = w.pid and coalesce(a.backend_start = w.started_at, true)
    and not coalesce(a.state = 'idle' and a.state_change < clock_timestamp() - $3::float8 * interval '1 second', false)
)
