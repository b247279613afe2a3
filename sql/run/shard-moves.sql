-- Whether Citus moves or copies a shard of this database now, for a rebalance or by hand. Before a move reports progress it
-- waits for the sizes of its shards, and already holds the advisory lock of class 13, for which DDL of the same tables
-- fails. One row. TimescaleDB: not needed. Citus: 11.0
select exists (select from get_rebalance_progress()) or exists (
  select from pg_locks l
  where l.locktype = 'advisory' and l.objsubid = 13 and l.granted and l.pid <> pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
) as moves
