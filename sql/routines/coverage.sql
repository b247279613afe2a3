-- Which parts of ranges of a table TimescaleDB's aggregates over it, and the aggregates over those, have not computed
-- from the current rows. The only definition of "covered": gated retention calls it, and the program runs the same
-- texts (each between two tags with its name) in a database without this routine.
-- over: the aggregates and the points of the ranges. edges: the bucket of each point. wanted: the whole buckets that
-- contain rows of a range. gaps: the parts of them that TimescaleDB's logs record as changed or never computed. No log
-- entry is ignored: once a refresh has moved it to the log of an aggregate, a written row and a dropped range look the
-- same.
-- A bucket of an indirect aggregate that is not complete at `present` need not be computed.
-- `folded`: the range begins or ends inside an hour that a clock change repeats. Before TimescaleDB 2.25, time_bucket
-- with a time zone mixes the rows of both hours, so both hours count as one bucket, and no range may end within it.
-- An aggregate has covered nothing while row level security of its source hides rows from its owner.
-- `blind`: changed rows cannot be read. `cut`: the first bucket contains rows before the range.
-- In the texts, %1$I is the schema of the extension; %2$s is the text unfinished if the server has that table.
-- since: core.1.3.0
create or replace function qicore.coverage(
  hypertable integer, lows bigint[], highs bigint[], present bigint,
  out place bigint, out id integer, out view text, out level integer, out since bigint, out until bigint,
  out gaps int8multirange, out blind boolean, out folded boolean, out cut boolean
)
returns setof record
language plpgsql
as $routine$
declare
  over constant text := $over$
with recursive above as (
  select a.mat_hypertable_id as id, 1 as level from _timescaledb_catalog.continuous_agg a where a.raw_hypertable_id = $1
  union all
  select a.mat_hypertable_id, o.level + 1
  from above o join _timescaledb_catalog.continuous_agg a on a.raw_hypertable_id = o.id
), over as materialized (
  -- Through arrays the planner estimates 10 rows. For the recursion it estimates 101, so the cost exceeds the threshold
  -- of JIT compilation, which took 20 s for a query that runs in 5 s.
  select u.id, u.level
  from (select array_agg(a.id) as ids, array_agg(a.level) as levels from above a) l
  cross join lateral unnest(l.ids, l.levels) as u (id, level)
), span as (
  select s.position, s.low, s.high from unnest($2::bigint[], $3::bigint[]) with ordinality as s (low, high, position)
), asked as (
  -- Each range has three points: its start, its end, and the present.
  select o.id, s.position * 3 + p.side as place, p.point
  from over o
  cross join span s
  cross join lateral (values (0, s.low), (1, s.high), (2, $4::bigint)) as p (side, point)
  where p.point is not null
)$over$;
  edges constant text := $edges$
, bucket as (
  select b.mat_hypertable_id as id, b.bucket_width as width, b.bucket_origin as origin, b.bucket_offset as shift,
    b.bucket_timezone as zone, d.column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) as integers
  from _timescaledb_catalog.continuous_aggs_bucket_function b
  cross join lateral (
    select t.column_type from _timescaledb_catalog.dimension t
    where t.hypertable_id = b.mat_hypertable_id order by t.id limit 1
  ) d
  where b.mat_hypertable_id in (select a.id from asked a)
), number as (
  select a.id, a.place, a.point, w.low, case when w.low = a.point then w.low else w.low + b.width::numeric end as high
  from asked a
  join bucket b on b.id = a.id and b.integers
  cross join lateral (select coalesce(b.shift, '0')::numeric as first) s
  cross join lateral (select floor((a.point - s.first) / b.width::numeric) * b.width::numeric + s.first as low) w
), instant as (
  select a.id, a.place, b.width::interval as width, b.origin::timestamptz as origin, b.shift::interval as shift, b.zone,
    timestamptz '1970-01-01 00:00:00+00' + (a.point / 1000000) * interval '1 second'
      + (a.point %% 1000000) * interval '1 microsecond' as at
  from asked a
  join bucket b on b.id = a.id and not b.integers
  -- A point outside of the range of timestamps is an open end.
  where a.point between -208000000000000000 and 9214646400000000000
), set_back as materialized (
  select i.*, (i.at - interval '1 day') at time zone i.zone - (i.at - interval '1 day') at time zone 'UTC' as before,
    (i.at + interval '1 day') at time zone i.zone - (i.at + interval '1 day') at time zone 'UTC' as after
  from instant i
), fold as materialized (
  -- The second of the two hours begins at the first minute that has the later offset.
  select b.*, b.before - b.after as back,
    case when b.before > b.after then (
      select min(m.at)
      from (
        select min(n.at) as at
        from generate_series(b.at - interval '1 day', b.at + interval '1 day', interval '1 hour') n (at)
        where n.at at time zone b.zone - n.at at time zone 'UTC' = b.after
      ) h
      cross join lateral generate_series(
        date_trunc('minute', h.at, 'UTC') - interval '1 hour', h.at, interval '1 minute'
      ) m (at)
      where m.at at time zone b.zone - m.at at time zone 'UTC' = b.after
    ) end as begins
  from set_back b
), first_step as materialized (
  select f.*, t.low
  from fold f
  cross join lateral (
    select array_agg(case
      when f.zone is not null then %1$I.time_bucket(f.width, u.x, f.zone, f.origin, f.shift)
      when f.origin is not null then %1$I.time_bucket(f.width, u.x, f.origin)
      when f.shift is not null then %1$I.time_bucket(f.width, u.x, f.shift)
      else %1$I.time_bucket(f.width, u.x) end order by u.n) as low
    from unnest(case
      when f.begins is null then array[f.at]
      else array[
        f.at, f.begins - interval '1 microsecond', f.begins - f.back - interval '1 microsecond', f.begins + f.back
      ]
    end) with ordinality u (x, n)
  ) t
), second_step as materialized (
  select s.*, t.next
  from first_step s
  cross join lateral (
    select array_agg(case
      when s.zone is not null then %1$I.time_bucket(s.width, u.x, s.zone, s.origin, s.shift)
      when s.origin is not null then %1$I.time_bucket(s.width, u.x, s.origin)
      when s.shift is not null then %1$I.time_bucket(s.width, u.x, s.shift)
      else %1$I.time_bucket(s.width, u.x) end order by u.n) as next
    -- One width later is in the next bucket, unless a clock change makes this bucket longer: then one and a half.
    from unnest(array[s.low[1] + s.width, s.low[1] + s.width + s.width / 2] || case
      when s.begins is null then '{}' else array[s.low[4] + s.width, s.low[4] + s.width + s.width / 2]
    end) with ordinality u (x, n)
  ) t
), edge as materialized (
  select s.id, s.place,
    (extract(epoch from case when u.one then s.low[3] else s.low[1] end) * 1000000)::bigint as floor,
    (extract(epoch from case
      when not u.one and s.low[1] = s.at then s.at
      when not u.one and s.next[1] > s.low[1] then s.next[1]
      when not u.one then s.next[2]
      else f.after
    end) * 1000000)::bigint as ceil,
    u.one and s.at > s.begins - s.back as folded,
    case when f.inside then (extract(epoch from s.low[3]) * 1000000)::bigint end as before_fold,
    case when f.inside then (extract(epoch from f.after) * 1000000)::bigint end as after_fold
  from second_step s
  -- The first start of a bucket at or after the end of the second hour.
  cross join lateral (select case
    when s.low[4] = s.begins + s.back then s.low[4]
    when s.next[3] > s.low[4] then s.next[3]
    else s.next[4]
  end as after) e
  cross join lateral (select coalesce(s.at > s.low[3] and s.at < e.after, false) as inside, e.after) f
  -- Both hours are one bucket.
  cross join lateral (select coalesce(
    s.low[2] > s.begins - interval '1 microsecond' and s.at > s.low[3] and s.at < s.begins + s.back, false
  ) as one) u
  union all
  select n.id, n.place,
    case when n.low <= -9223372036854775808 then -9223372036854775808 else n.low::bigint end,
    case when n.high >= 9223372036854775807 then 9223372036854775807 else n.high::bigint end, false,
    null::bigint, null::bigint
  from number n
  where n.point not in (-9223372036854775808, 9223372036854775807)
  union all
  select a.id, a.place, a.point, a.point, false, null::bigint, null::bigint
  from asked a
  join bucket b on b.id = a.id
  where case
    when b.integers then a.point in (-9223372036854775808, 9223372036854775807)
    else a.point not between -208000000000000000 and 9214646400000000000
  end
)$edges$;
  wanted constant text := $wanted$
, bounded as (
  select e.id, e.place / 3 as position, min(e.floor) filter (where e.place %% 3 = 0) as floor,
    min(e.ceil) filter (where e.place %% 3 = 1) as ceil, min(e.floor) filter (where e.place %% 3 = 2) as present,
    bool_or(e.folded) filter (where e.place %% 3 < 2) as folded
  from edge e
  group by 1, 2
), wanted as materialized (
  select b.position, b.id, o.level, b.floor < ($2::bigint[])[b.position] as cut, b.folded, b.floor as since,
    case when o.level > 1 then least(b.ceil, b.present) else b.ceil end as until
  from bounded b
  join over o on o.id = b.id
)$wanted$;
  gaps_of constant text := $gaps$
, noted as (
  select m.materialization_id as id, m.lowest_modified_value as one, m.greatest_modified_value as other
  from _timescaledb_catalog.continuous_aggs_materialization_invalidation_log m
  union all
  select a.mat_hypertable_id, h.lowest_modified_value, h.greatest_modified_value
  from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log h
  join _timescaledb_catalog.continuous_agg a on a.raw_hypertable_id = h.hypertable_id
  union all
  -- A refresh reads as the owner of the aggregate, and the logs record as computed what row level security hid from it.
  select a.mat_hypertable_id, -9223372036854775808, 9223372036854775807
  from _timescaledb_catalog.continuous_agg a
  join _timescaledb_catalog.hypertable h on h.id = a.raw_hypertable_id
  join pg_namespace sn on sn.nspname = h.schema_name
  join pg_class s on s.relnamespace = sn.oid and s.relname = h.table_name and s.relrowsecurity
  join pg_namespace vn on vn.nspname = a.user_view_schema
  join pg_class v on v.relnamespace = vn.oid and v.relname = a.user_view_name
  join pg_roles r on r.oid = v.relowner and not r.rolsuper and not r.rolbypassrls
  where s.relforcerowsecurity or not pg_has_role(r.oid, s.relowner, 'usage')
  %2$s
), pending as materialized (
  -- Before 2.25 the ends of an entry in a repeated hour can be reversed.
  select n.id, range_agg(int8range(
    least(n.one, n.other, 9223372036854775806), least(greatest(n.one, n.other), 9223372036854775806), '[]'
  )) as ranges
  from noted n
  where n.id in (select w.id from wanted w)
  group by n.id
), gap as (
  select w.*, case
    when w.since < w.until then coalesce(p.ranges, '{}') * int8multirange(int8range(w.since, w.until)) else '{}'
  end as gaps
  from wanted w left join pending p on p.id = w.id
)$gaps$;
  answer constant text := $answer$
, blind as materialized (
  -- Only 2.22, as an experiment: changes are read from the WAL at the next refresh.
  select o.id, case when exists (
    select from pg_attribute n
    where n.attrelid = 'timescaledb_information.continuous_aggregates'::regclass and n.attname = 'invalidate_using'
  ) then (
    select bool_or(to_jsonb(v) ->> 'invalidate_using' <> 'trigger')
    from _timescaledb_catalog.continuous_agg a
    join timescaledb_information.continuous_aggregates v
      on v.view_schema = a.user_view_schema and v.view_name = a.user_view_name
    where a.mat_hypertable_id = o.id
  ) else false end as blind
  from over o
)
select g.position, g.id, format('%%I.%%I', a.user_view_schema, a.user_view_name) as view, g.level, g.since, g.until,
  case
    when (b.blind or g.folded) and g.since < g.until then int8multirange(int8range(g.since, g.until)) else g.gaps
  end as gaps,
  b.blind, g.folded, g.cut
from gap g
join blind b on b.id = g.id
join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = g.id
order by g.position, g.level, 3$answer$;
  -- Up to 2.26.2 a refresh removes entries from the log before it has computed them, and records the ranges here.
  unfinished constant text := $unfinished$
  union all
  select r.materialization_id, r.lowest_modified_value, r.greatest_modified_value - 1
  from _timescaledb_catalog.continuous_aggs_materialization_ranges r
  where r.lowest_modified_value < r.greatest_modified_value$unfinished$;
begin
  if not exists (select from pg_extension where extname = 'timescaledb') then
    return;
  end if;
  return query execute format(
    over || edges || wanted || gaps_of || answer,
    (
      select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb'
    ),
    case
      when to_regclass('_timescaledb_catalog.continuous_aggs_materialization_ranges') is null then '' else unfinished
    end
  )
  using hypertable, lows, highs, present;
end
$routine$;
