-- One row if Citus keeps the rows of a relation in shards. $1 the oid of the relation. Citus: 11.0. TimescaleDB: not needed
select from pg_dist_partition where logicalrelid = $1::oid
