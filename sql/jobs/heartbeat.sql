-- Records the heartbeat of a daemon; a success also shows that the ledger is writable.
-- $1 id, $2 host, $3 pid, $4 version, $5 actor. TimescaleDB: not needed. One row: both clocks, number of other live daemons.
with me as (
  insert into qicore.daemon as d (id, host, pid, version, actor) values ($1, $2, $3, $4, $5)
  on conflict (id) do update set seen_at = clock_timestamp(), stopped_at = null
  returning d.id
)
select qicore.now() as now, clock_timestamp() as clock,
  (select count(*) from qicore.daemon d where d.stopped_at is null and d.seen_at > clock_timestamp() - interval '2 minutes' and d.id <> me.id) as others
from me
