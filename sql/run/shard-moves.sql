-- Whether Citus moves or copies a shard now, for a rebalance or by hand. One row. TimescaleDB: not needed. Citus: 11.0
select exists (select from get_rebalance_progress()) as moves
