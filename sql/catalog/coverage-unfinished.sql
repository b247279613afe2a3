-- What refreshes have begun to compute of some ranges of a hypertable and not finished: as long as one runs, and ever
-- after where it was broken off. Such a range is in no invalidation log any more; coverage.sql has those.
-- $1 hypertable as SQL reads it (of an aggregate: its materialization), $2 bigint[] and $3 bigint[] where the ranges
-- begin and end (exclusive), $4 id of the one aggregate that is meant, null for all.
-- Rows as of coverage.sql, only where there is something. Locks nothing but catalogues. TimescaleDB: 2.20
with recursive relation as (
  select h.id from _timescaledb_catalog.hypertable h
  where to_regclass(format('%I.%I', h.schema_name, h.table_name)) = $1::regclass
), aggregate as (
  select c.mat_hypertable_id as id, 1 as level, c.user_view_schema, c.user_view_name
  from relation r join _timescaledb_catalog.continuous_agg c on c.raw_hypertable_id = r.id
  union all
  select c.mat_hypertable_id, a.level + 1, c.user_view_schema, c.user_view_name
  from aggregate a join _timescaledb_catalog.continuous_agg c on c.raw_hypertable_id = a.id
)
select r.position, a.id, a.user_view_schema as schema, a.user_view_name as view, a.level,
  m.lowest_modified_value::text as since, m.greatest_modified_value::text as until,
  int8multirange(int8range(m.lowest_modified_value, m.greatest_modified_value))::text as gaps
from aggregate a
join _timescaledb_catalog.continuous_aggs_materialization_ranges m
  on m.materialization_id = a.id and m.lowest_modified_value < m.greatest_modified_value
cross join unnest($2::bigint[], $3::bigint[]) with ordinality as r (since, until, position)
where ($4::int is null or a.id = $4::int) and m.lowest_modified_value < r.until and m.greatest_modified_value > r.since
