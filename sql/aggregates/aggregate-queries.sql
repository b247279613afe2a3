-- The queries with which continuous aggregates were created.
-- $1 int[] of the aggregates' ids. One row each: id, query. Locks only the catalog. TimescaleDB: 2.15
select a.mat_hypertable_id as id, v.view_definition as query
from _timescaledb_catalog.continuous_agg a
join timescaledb_information.continuous_aggregates v
  on v.view_schema = a.user_view_schema and v.view_name = a.user_view_name
where a.mat_hypertable_id = any ($1::int[])
