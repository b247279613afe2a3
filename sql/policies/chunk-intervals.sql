-- How long a chunk of each hypertable shall be from now on: microseconds, or integers of its own.
-- One row a hypertable. Locks catalogues only. TimescaleDB: 2.15
select distinct on (hypertable_id) hypertable_id as id, interval_length::text as length
from _timescaledb_catalog.dimension
order by hypertable_id, id
