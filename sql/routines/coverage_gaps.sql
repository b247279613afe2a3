-- The question of sql/catalog/coverage.sql for routines in the database: which parts of some ranges of a hypertable its
-- aggregates have not computed as the rows stand now. It is prepared only where it is asked: without TimescaleDB there
-- is nothing of what it reads.
create function qicore.coverage_gaps(storage regclass, low bigint[], high bigint[], aggregate integer, present bigint, keeps_partial boolean)
returns table ("position" integer, id integer, schema name, view name, level integer, since text, until text, gaps text)
language plpgsql
stable
as $$
begin
  return query execute $question$
with recursive relation as (
  select h.id from _timescaledb_catalog.hypertable h
  where to_regclass(format('%I.%I', h.schema_name, h.table_name)) = $1::regclass
), aggregate as (
  select c.mat_hypertable_id as id, c.raw_hypertable_id as source, 1 as level, c.user_view_schema, c.user_view_name
  from relation r join _timescaledb_catalog.continuous_agg c on c.raw_hypertable_id = r.id
  union all
  select c.mat_hypertable_id, c.raw_hypertable_id, a.level + 1, c.user_view_schema, c.user_view_name
  from aggregate a join _timescaledb_catalog.continuous_agg c on c.raw_hypertable_id = a.id
), bucket as materialized (
  select a.*, w.watermark, d.id as dimension, coalesce(b.bucket_timezone, 'UTC') as zone, d.integers,
    case when d.integers then b.bucket_width::bigint end as units,
    case when d.integers then coalesce(b.bucket_offset::bigint, 0) else 0 end as shift_units,
    case when not d.integers then b.bucket_width::interval end as width,
    case when not d.integers then coalesce(b.bucket_offset::interval, interval '0') end as shift,
    case when not d.integers
      then (extract(year from b.bucket_width::interval) * 12 + extract(month from b.bucket_width::interval))::int end as months,
    case when not d.integers
      then b.bucket_origin::timestamptz at time zone coalesce(b.bucket_timezone, 'UTC') end as origin
  from aggregate a
  join _timescaledb_catalog.continuous_aggs_bucket_function b on b.mat_hypertable_id = a.id
  left join _timescaledb_catalog.continuous_aggs_watermark w on w.mat_hypertable_id = a.id
  cross join lateral (
    select x.id, x.column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) as integers
    from _timescaledb_catalog.dimension x where x.hypertable_id = a.source order by x.id limit 1
  ) d
  where $4::int is null or a.id = $4::int
), pending as materialized (
  select b.id, range_agg(int8range(l.low, least(l.high, 9223372036854775806), '[]')) as ranges
  from bucket b
  join lateral (
    select h.lowest_modified_value as low, h.greatest_modified_value as high
    from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log h where h.hypertable_id = b.source
    union all
    select m.lowest_modified_value, m.greatest_modified_value
    from _timescaledb_catalog.continuous_aggs_materialization_invalidation_log m where m.materialization_id = b.id
  ) l on l.low <= l.high
  group by b.id
), edge as (
  -- The bucket that each end of a range lies in; the third is the one that is not complete yet.
  select b.id, p.position, p.place, p.point,
    case
      when b.integers then p.point - (((p.point - b.shift_units) % b.units) + b.units) % b.units
      else floor(extract(epoch from low.at at time zone b.zone) * 1000000)::bigint
    end as low,
    case
      when b.integers then p.point - (((p.point - b.shift_units) % b.units) + b.units) % b.units + b.units
      else floor(extract(epoch from (low.at + b.width) at time zone b.zone) * 1000000)::bigint
    end as high
  from bucket b
  cross join (
    select position, 'since' as place, nullif(point, -9223372036854775808) as point
    from unnest($2::bigint[]) with ordinality as r (point, position)
    union all
    select position, 'until', nullif(point, 9223372036854775807)
    from unnest($3::bigint[]) with ordinality as r (point, position)
    union all
    select 0, 'now', $5::bigint
  ) p
  left join lateral (
    select (timestamptz '1970-01-01 00:00:00+00' + p.point * interval '1 microsecond') at time zone b.zone - b.shift as at
    where not b.integers
  ) here on true
  left join lateral (
    select b.shift + case
      when b.months > 0 then months.origin + make_interval(months => (
        floor(((extract(year from here.at) - extract(year from months.origin)) * 12
          + extract(month from here.at) - extract(month from months.origin)) / b.months) * b.months
      )::int)
      else date_bin(b.width, here.at, coalesce(b.origin, timestamp '2000-01-03 00:00:00'))
    end as at
    from (select date_trunc('month', coalesce(b.origin, timestamp '2000-01-01 00:00:00')) as origin) as months
    where not b.integers
  ) low on true
  where p.point is not null
), wanted as (
  select b.id, b.level, b.user_view_schema, b.user_view_name, r.position,
    -- The bucket over the beginning, unless a part of it is gone and it was computed before that.
    case
      when $6::boolean and s.low < s.point and coalesce(b.watermark, s.low) >= s.high and not exists (
        select from _timescaledb_catalog.dimension_slice x
        where x.dimension_id = b.dimension and x.range_start < s.point and x.range_end > s.low
      ) then s.high
      else coalesce(s.low, -9223372036854775808)
    end as since,
    least(
      case when u.point is null then 9223372036854775807 when u.low = u.point then u.low else u.high end,
      case when b.level > 1 then n.low end
    ) as until
  from bucket b
  cross join generate_subscripts($2::bigint[], 1) as r (position)
  left join edge s on s.id = b.id and s.position = r.position and s.place = 'since'
  left join edge u on u.id = b.id and u.position = r.position and u.place = 'until'
  left join edge n on n.id = b.id and n.place = 'now'
)
select w.position, w.id, w.user_view_schema as schema, w.user_view_name as view, w.level, w.since::text, w.until::text,
  (case when w.since < w.until then coalesce(p.ranges, '{}') * int8multirange(int8range(w.since, w.until)) else '{}' end)::text as gaps
from wanted w
left join pending p on p.id = w.id
order by w.position, w.level, w.user_view_schema, w.user_view_name
$question$ using storage, low, high, aggregate, present, keeps_partial;
end
$$;
