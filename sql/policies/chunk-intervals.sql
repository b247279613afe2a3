-- The interval of new chunks of each hypertable: microseconds, or integers in the unit of its time column.
-- One row a hypertable. Locks only the catalog. TimescaleDB: 2.15
select distinct on (hypertable_id) hypertable_id as id, interval_length::text as length
from _timescaledb_catalog.dimension
order by hypertable_id, id
