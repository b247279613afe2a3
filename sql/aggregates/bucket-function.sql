-- The bucket of continuous aggregates as they were made: the arguments of their time_bucket.
-- $1 int[] of the aggregates' ids. Locks catalogues only. TimescaleDB: 2.15
select mat_hypertable_id as id, bucket_width as width, bucket_origin as origin, bucket_offset as shift, bucket_timezone as zone
from _timescaledb_catalog.continuous_aggs_bucket_function
where mat_hypertable_id = any ($1::int[])
