-- The interval up to which TimescaleDB merges a chunk with its predecessor when it compresses it (the setting
-- compress_chunk_time_interval), as text: microseconds, or a number in the unit of an integer column. Null if it is not
-- set. $1 id of the hypertable. One row. TimescaleDB: 2.15, community
select d.compress_interval_length::text as interval
from _timescaledb_catalog.dimension d where d.hypertable_id = $1 order by d.id limit 1
