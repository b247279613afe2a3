-- The first transaction whose rows a later query may not see: the oldest one that is running, else the next one.
-- Only transactions of this database count: one in another database cannot write to a table here.
-- The end of the snapshot is read before the sessions, so a transaction that is in neither has ended. Sessions are read
-- before prepared transactions, so one that is prepared in between is not missed. A subtransaction has a higher number
-- than
-- its transaction, so the lowest running one includes it. TimescaleDB: not needed. One row.
with snapshot as materialized (
  select pg_snapshot_xmax(pg_current_snapshot())::text::numeric as next
), running as (
  select backend_xid as xid from pg_stat_activity where datname = current_database() and backend_xid is not null
  union all
  select transaction from pg_prepared_xacts where database = current_database()
), age as (
  -- How many transactions ago each began. One that began after the snapshot wraps around and is left out below.
  select mod(mod(next, 4294967296) - xid::text::numeric + 4294967296, 4294967296) as age from running, snapshot
)
select (next - coalesce((select max(age) from age where age < 2147483648), 0))::text as seen from snapshot
