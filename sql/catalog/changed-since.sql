-- Whether rows of a range of a hypertable changed since its aggregates were last told: what is still in its own log.
-- What drop_chunks logs of a chunk ends with the first microsecond (or integer) after it, and does not count.
-- $1 id of the hypertable, $2 bigint and $3 bigint where the range begins and ends (exclusive). One row: changed.
-- Locks catalogues only. TimescaleDB: 2.15
select exists (
  select from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log l
  where l.hypertable_id = $1::int and l.lowest_modified_value < $3::bigint and l.greatest_modified_value > $2::bigint
) as changed
