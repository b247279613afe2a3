-- A daemon says that it is alive; this is also the proof that the ledger can be written.
-- $1 id, $2 host, $3 pid, $4 version, $5 actor. TimescaleDB: not needed. The two clocks, and how many daemons are alive.
with me as (
  insert into qicore.daemon as d (id, host, pid, version, actor) values ($1, $2, $3, $4, $5)
  on conflict (id) do update set seen_at = clock_timestamp(), stopped_at = null
  returning d.id
)
select qicore.now() as now, clock_timestamp() as clock,
  (select count(*) from qicore.daemon d where d.stopped_at is null and d.seen_at > clock_timestamp() - interval '2 minutes' and d.id <> me.id) as others
from me
