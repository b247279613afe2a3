-- How long a chunk of each hypertable shall be from now on (microseconds, or integers of its own), and the bytes of
-- shared_buffers.
-- One row a hypertable. Locks catalogues only. TimescaleDB: 2.15
select distinct on (hypertable_id) hypertable_id as id, interval_length::text as length,
  (select setting::int8 * current_setting('block_size')::int8 from pg_settings where name = 'shared_buffers') as buffers
from _timescaledb_catalog.dimension
order by hypertable_id, id
