-- Which continuous aggregates learn of changed rows from the WAL, when they are refreshed (an experiment of 2.22 only):
-- what changed before that is in no log that anybody could look into.
-- $1 int[] of the aggregates' ids. One row for each that does: id. Locks catalogues only. TimescaleDB: 2.15
select a.mat_hypertable_id as id
from _timescaledb_catalog.continuous_agg a
join timescaledb_information.continuous_aggregates v on v.view_schema = a.user_view_schema and v.view_name = a.user_view_name
-- The column is in no other version.
where a.mat_hypertable_id = any ($1::int[]) and to_jsonb(v) ->> 'invalidate_using' <> 'trigger'
