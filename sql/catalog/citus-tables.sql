-- The tables that Citus distributes or replicates to its workers, partitions included: their local relations are empty,
-- rows and sizes are in shards on the nodes. Placements are the copies of shards; a replicated table has one on each node.
-- One row a table. TimescaleDB: not needed. Citus: 11.0
select
  c.oid::int8 as relation, format('%I.%I', n.nspname, c.relname) as name,
  count(distinct p.shardid)::int as shards, count(p.shardid)::int as placements, count(distinct p.groupid)::int as nodes
from pg_catalog.pg_dist_partition d
join pg_class c on c.oid = d.logicalrelid
join pg_namespace n on n.oid = c.relnamespace
left join (pg_catalog.pg_dist_shard s join pg_catalog.pg_dist_placement p on p.shardid = s.shardid) on s.logicalrelid = d.logicalrelid
group by c.oid, n.nspname, c.relname
