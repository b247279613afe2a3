-- The name of the column by which Citus distributes a table. $1 the qualified name of the table. No row if it is not
-- distributed by a column. TimescaleDB: not needed. Citus: 11.0
select column_to_column_name(p.logicalrelid, p.partkey) as "column"
from pg_catalog.pg_dist_partition p
where p.logicalrelid = to_regclass($1) and p.partmethod = 'h'
