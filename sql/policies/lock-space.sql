-- The number of locks that all transactions together can hold, and effective_cache_size in bytes.
-- One row. TimescaleDB: not needed.
select
  current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as locks,
  (select setting::int8 * current_setting('block_size')::int8 from pg_settings where name = 'effective_cache_size') as cache
