-- Whether this node of Citus is a worker, and how many tables Citus distributes. Every node has the metadata; only the
-- coordinator has group 0. One row. TimescaleDB: not needed. Citus: 11.0
select
  coalesce((select groupid from pg_catalog.pg_dist_local_group limit 1), 0) <> 0 as worker,
  (select count(*)::int from pg_catalog.pg_dist_partition) as distributed_tables
