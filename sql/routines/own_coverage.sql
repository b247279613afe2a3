-- Which parts of ranges of a table its emulated aggregates, and the aggregates over those, have not computed. Each
-- range is widened to whole buckets. Rows that changed since are not recorded anywhere; `data` and `query` allow a
-- comparison.
-- The only definition of this coverage: gated retention calls it, and the program runs the same text (between the two
-- tags) in a database without this routine.
-- `subject`: the table as in SQL. `lows`, `highs`: begin and end (exclusive) in microseconds since 1970; the least and
-- the greatest bigint mean an open end. `present`: later buckets of indirect aggregates need not be computed; null
-- means that all must be.
-- Returns one row for each range and aggregate: position (from 1), schema, view, level (1: directly over the table),
-- data, query, since, until, gaps (an int8multirange as text).
-- since: core.1.3.0
create or replace function qicore.own_coverage(subject text, lows bigint[], highs bigint[], present bigint)
returns table (
  "position" bigint, schema name, view name, level integer, data text, query text, since text, until text, gaps text
)
language sql
stable
as $answer$
with recursive aggregate as (
  select a.*, 1 as level from qicore.aggregates a where to_regclass(a.source) = to_regclass($1)
  union all
  select a.*, u.level + 1 from aggregate u join qicore.aggregates a on to_regclass(a.source) = to_regclass(u.view)
), point as (
  select position, nullif(since, -9223372036854775808) as since, nullif(until, 9223372036854775807) as until
  from unnest($2::bigint[], $3::bigint[]) with ordinality as r (since, until, position)
), bucketed as (
  select a.view, a.data, a.query, a.level, a.covered, p.position, x.place,
    case when a.bucket = interval '1 month' then date_trunc('month', x.at, 'UTC')
      else date_bin(a.bucket, x.at, timestamptz '2000-01-03 00:00:00+00') end as low,
    x.at, a.bucket
  from aggregate a
  cross join point p
  cross join lateral (
    select e.place, timestamptz '1970-01-01 00:00:00+00' + e.micros * interval '1 microsecond' as at
    from (values ('since', p.since), ('until', p.until), ('now', $4::bigint)) as e (place, micros)
  ) x
), wanted as (
  select view, data, query, level, covered, position,
    max(low) filter (where place = 'since') as since,
    least(
      max(case when low = at then low else low + bucket end) filter (where place = 'until'),
      case when level > 1 then max(low) filter (where place = 'now') end
    ) as until
  from bucketed
  group by view, data, query, level, covered, position
)
select w.position, n.nspname as schema, v.relname as view, w.level,
  to_regclass(w.data)::text as data, to_regproc(w.query)::text as query,
  coalesce((extract(epoch from w.since) * 1000000)::bigint, -9223372036854775808)::text as since,
  coalesce((extract(epoch from w.until) * 1000000)::bigint, 9223372036854775807)::text as until,
  coalesce((
    select range_agg(int8range(
      coalesce((extract(epoch from lower(g)) * 1000000)::bigint, -9223372036854775808),
      coalesce((extract(epoch from upper(g)) * 1000000)::bigint, 9223372036854775807)
    ))
    from unnest(case when w.since is null or w.until is null or w.since < w.until
      then tstzmultirange(tstzrange(w.since, w.until)) - w.covered else '{}' end) as g
  ), '{}')::text as gaps
from wanted w
join pg_class v on v.oid = to_regclass(w.view)
join pg_namespace n on n.oid = v.relnamespace
order by w.position, w.level, w.view
$answer$;
