-- The arguments of time_bucket in continuous aggregates.
-- $1 int[] of the aggregates' ids. Locks only the catalog. TimescaleDB: 2.15
select mat_hypertable_id as id, bucket_width as width, bucket_origin as origin, bucket_offset as shift, bucket_timezone as zone,
  bucket_fixed_width as fixed
from _timescaledb_catalog.continuous_aggs_bucket_function
where mat_hypertable_id = any ($1::int[])
