-- What the aggregates over a table have not computed of some ranges of time: one row an aggregate and range, null where
-- all of it is covered.
-- $1 the table as SQL reads it, $2 text[] of lower bounds, $3 text[] of upper bounds. TimescaleDB: not needed.
select a.view, r.position::int, case when not a.covered @> r.range then (multirange(r.range) - a.covered)::text end as missing
from qicore.aggregates a
cross join (
  select tstzrange(lower::timestamptz, upper::timestamptz) as range, position
  from unnest($2::text[], $3::text[]) with ordinality as given (lower, upper, position)
) r
where to_regclass(a.source) = to_regclass($1)
order by r.position, a.view
