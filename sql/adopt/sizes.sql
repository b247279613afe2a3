-- The size of a table with its indexes and the schemas it is in.
-- $1 qualified name. Null if it does not exist. TimescaleDB: not needed.
select pg_total_relation_size(to_regclass($1::text)) as bytes
