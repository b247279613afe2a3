-- What is invalid of some ranges of continuous aggregates, by their logs: rows of the source that changed since they
-- were computed, and what was never computed, which is in the log from the beginning.
-- $1 int[] of the aggregates' ids, $2 bigint[] and $3 bigint[] where the range of each begins and ends (exclusive, whole
-- buckets), in microseconds since 1970 or in the source's integers. One row a range: position (from 1), gaps (an
-- int8multirange as text, {} where all is computed). Locks catalogues only. TimescaleDB: 2.15
with wanted as (
  select id, since, until, position from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as r (id, since, until, position)
), pending as materialized (
  select a.mat_hypertable_id as id, range_agg(int8range(l.low, least(l.high, 9223372036854775806), '[]')) as ranges
  from _timescaledb_catalog.continuous_agg a
  join lateral (
    select h.lowest_modified_value as low, h.greatest_modified_value as high
    from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log h where h.hypertable_id = a.raw_hypertable_id
    union all
    select m.lowest_modified_value, m.greatest_modified_value
    from _timescaledb_catalog.continuous_aggs_materialization_invalidation_log m where m.materialization_id = a.mat_hypertable_id
  ) l on l.low <= l.high
  where a.mat_hypertable_id in (select id from wanted)
  group by a.mat_hypertable_id
)
select w.position,
  (case when w.since < w.until then coalesce(p.ranges, '{}') * int8multirange(int8range(w.since, w.until)) else '{}' end)::text as gaps
from wanted w left join pending p on p.id = w.id
