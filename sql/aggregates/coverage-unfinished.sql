-- What refreshes have begun to compute of some ranges of continuous aggregates and not finished: as long as one runs,
-- and ever after where it was broken off. Such a range is in no invalidation log any more. From 2.26.3 on nothing writes
-- here, and what an update left is never finished.
-- $1 int[] of the aggregates' ids, $2 bigint[] and $3 bigint[] where the range of each begins and ends (exclusive).
-- One row for each that meets a range: position (from 1), gaps (all of it, as an int8multirange in text).
-- Locks catalogues only. TimescaleDB: 2.22
select r.position, int8multirange(int8range(m.lowest_modified_value, m.greatest_modified_value))::text as gaps
from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as r (id, since, until, position)
join _timescaledb_catalog.continuous_aggs_materialization_ranges m
  on m.materialization_id = r.id and m.lowest_modified_value < r.until and m.greatest_modified_value > r.since
where m.lowest_modified_value < m.greatest_modified_value
