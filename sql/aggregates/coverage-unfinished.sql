-- Ranges of continuous aggregates whose refresh began and has not finished: it is running or was interrupted. Such a
-- range is no longer in an invalidation log. From 2.26.3 on TimescaleDB writes no rows here and finishes none of the
-- rows that an update left.
-- $1 int[] of the aggregates' ids, $2 bigint[] and $3 bigint[] the start and the end (exclusive) of a range of each.
-- One row for each that overlaps its range: position (from 1), gaps (the whole of it, an int8multirange as text).
-- Locks only the catalog. TimescaleDB: 2.22
select r.position, int8multirange(int8range(m.lowest_modified_value, m.greatest_modified_value))::text as gaps
from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as r (id, since, until, position)
join _timescaledb_catalog.continuous_aggs_materialization_ranges m
  on m.materialization_id = r.id and m.lowest_modified_value < r.until and m.greatest_modified_value > r.since
where m.lowest_modified_value < m.greatest_modified_value
