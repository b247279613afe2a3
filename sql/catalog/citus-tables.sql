-- The tables that Citus distributes or replicates to its workers, partitions included. Their local relations are empty:
-- rows and sizes are in shards on the workers. One row a table. TimescaleDB: not needed. Citus: 11.0
select c.oid::int8 as relation, format('%I.%I', n.nspname, c.relname) as name
from pg_catalog.pg_dist_partition p
join pg_class c on c.oid = p.logicalrelid
join pg_namespace n on n.oid = c.relnamespace
