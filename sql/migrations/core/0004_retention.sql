-- version: 1.3.0
-- description: Gated retention: what was agreed to, and only what every aggregate has covered

-- What every transaction of qicore.retain begins with; gone with its end, so that nothing sticks to a session.
create function qicore.retain_settings()
returns void
language sql
as $$
  select
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config('timezone', 'UTC', true),
    pg_catalog.set_config('datestyle', 'ISO, YMD', true),
    -- Dropping takes ACCESS EXCLUSIVE: whoever comes while it waits queues behind it.
    pg_catalog.set_config('lock_timeout', '500ms', true)
$$;

-- What was agreed to when a retention was applied, as a hash: the object and everything that decides what is dropped.
-- Whoever changes one of them afterwards has a declaration that nobody has agreed to.
create function qicore.retention_hash(object text, config jsonb)
returns text
language sql
immutable
as $$
  select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    pg_catalog.jsonb_build_array(object, config -> 'after', config -> 'maxDropPerRun', config -> 'timeUnit')::text, 'UTF8'
  )), 'hex')
$$;

-- A point on a table's scale as a constant of the type of its column.
create function qicore.retain_literal(column_type regtype, point bigint)
returns text
language sql
stable
as $$
  select case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then pg_catalog.format('%L::%s', point, column_type)
    -- A version 7 UUID begins with its milliseconds.
    when column_type = 'uuid'::regtype then pg_catalog.format('%L::uuid',
      pg_catalog.lpad(pg_catalog.to_hex(point / 1000), 12, '0') || '00000000000000000000')
    else pg_catalog.format('%L::%s', (timestamptz '1970-01-01 00:00:00+00' + point * interval '1 microsecond') at time zone 'UTC',
      case column_type when 'timestamptz'::regtype then 'timestamp at time zone ''UTC''' else column_type::text end)
  end
$$;

-- Where a table stands on its own scale of time: microseconds since 1970, or the integers of its column. `cutoff` is
-- what the retention comes to just now, `future` a day from now: rows beyond that are no sign of a feed that lives.
create function qicore.retain_scale(
  subject regclass, policy jsonb,
  out column_name name, out column_type regtype, out now bigint, out cutoff bigint, out cutoff_sql text, out future_sql text, out cutoff_text text
)
language plpgsql
as $$
declare
  after constant interval := (policy ->> 'after')::interval;
  factor constant numeric := case policy ->> 'timeUnit' when 's' then 1 when 'ms' then 1000 when 'us' then 1000000 when 'ns' then 1000000000 end;
  clock_schema name;
  clock name;
  owner name;
  role_before constant text := current_setting('role');
  future bigint;
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
begin
  if after is null or after <= interval '0' then
    raise exception using errcode = '22023', message = format('%s: "%s" is no age for a retention', subject, policy ->> 'after');
  end if;
  if exists (select from pg_extension where extname = 'timescaledb') then
    select d.column_name, d.column_type, d.integer_now_func_schema, d.integer_now_func into column_name, column_type, clock_schema, clock
    from _timescaledb_catalog.hypertable h
    join _timescaledb_catalog.dimension d on d.hypertable_id = h.id
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
    order by d.id limit 1;
  end if;
  if column_name is null then
    select a.attname, a.atttypid into column_name, column_type
    from pg_partitioned_table p join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = subject and p.partstrat = 'r' and p.partnatts = 1;
  end if;
  if column_name is null then
    raise exception using errcode = '42809', message = format('%s is no hypertable, no continuous aggregate and not partitioned by range of one column', subject);
  end if;
  if column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then
    if factor is null then
      raise exception using errcode = '22023', message = format('%s has integers for times, and nobody said what one is (timeUnit)', subject);
    end if;
    if clock is null then
      now := floor(extract(epoch from clock_timestamp()) * factor);
    else
      -- Somebody else's function is not lent the rights of a superuser.
      select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
      if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
        perform set_config('role', owner, true);
      end if;
      execute format('select %I.%I()::bigint', clock_schema, clock) into now;
      perform set_config('role', role_before, true);
    end if;
    cutoff := now - floor(extract(epoch from after) * factor);
    future := now + floor(86400 * factor);
    cutoff_sql := format('%L::%s', cutoff, column_type);
    future_sql := format('%L::bigint', future);
    cutoff_text := cutoff::text;
  elsif column_type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'uuid'::regtype) then
    now := extract(epoch from clock_timestamp()) * 1000000;
    cutoff := extract(epoch from clock_timestamp() - after) * 1000000;
    cutoff_text := (epoch + cutoff * interval '1 microsecond')::text;
    cutoff_sql := qicore.retain_literal(column_type, cutoff);
    future_sql := qicore.retain_literal(column_type, now + 86400000000);
  else
    raise exception using errcode = '42809', message = format('%s has no times in %I, but %s', subject, column_name, format_type(column_type, null));
  end if;
end
$$;

-- The ranges of a table with their chunks (one, or one for each space partition) or their partition. `old`: the whole
-- range lies before the cutoff; `newest`: nothing begins later. Without the chunks that are nobody's to change: frozen
-- ones, and what is tiered to object storage.
create function qicore.retain_pieces(subject regclass, cutoff bigint)
returns table (low bigint, high bigint, label text, relations text[], old boolean, newest boolean)
language plpgsql
as $$
begin
  if exists (select from pg_partitioned_table where partrelid = subject) then
    return query
    with child as (
      select format('%I.%I', n.nspname, c.relname) as name,
        -- With a relation, pg_get_expr would wait for a lock on it.
        regexp_match(pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \(''?([^'']*)''?\) TO \(''?([^'']*)''?\)$') as bound,
        (select k.atttypid from pg_partitioned_table p join pg_attribute k on k.attrelid = p.partrelid and k.attnum = p.partattrs[0] where p.partrelid = subject) as type
      from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
      where i.inhparent = subject and not i.inhdetachpending
    ), ranged as (
      select name, bound,
        case
          when bound[1] = 'MINVALUE' then -9223372036854775808
          when type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then bound[1]::bigint
          else (extract(epoch from bound[1]::timestamptz) * 1000000)::bigint
        end as low,
        case
          when bound[2] = 'MAXVALUE' then 9223372036854775807
          when type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then bound[2]::bigint
          else (extract(epoch from bound[2]::timestamptz) * 1000000)::bigint
        end as high
      from child where bound is not null
    )
    select r.low, r.high, r.bound[1] || ' to ' || r.bound[2], array[r.name], r.high <= cutoff, r.low = max(r.low) over ()
    from ranged r;
    return;
  end if;
  return query
  with source as (
    select h.id, h.schema_name, h.table_name
    from _timescaledb_catalog.hypertable h
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
  ), locked as (
    -- Up to 2.28 a chunk has its names there, from 2.29 on its relation.
    select coalesce(c.as_json ->> 'relid', format('%I.%I', c.as_json ->> 'schema_name', c.as_json ->> 'table_name')) as name
    from source s
    cross join lateral (select to_jsonb(k) as as_json from _timescaledb_catalog.chunk k where k.hypertable_id = s.id and (k.status & 4 > 0 or k.osm_chunk)) c
  ), ranged as (
    select format('%I.%I', c.chunk_schema, c.chunk_name) as name,
      coalesce(c.range_start_integer, (extract(epoch from c.range_start) * 1000000)::bigint) as low,
      coalesce(c.range_end_integer, (extract(epoch from c.range_end) * 1000000)::bigint) as high,
      coalesce(c.range_start_integer::text, c.range_start::text) || ' to ' || coalesce(c.range_end_integer::text, c.range_end::text) as label
    from source s join timescaledb_information.chunks c on c.hypertable_schema = s.schema_name and c.hypertable_name = s.table_name
  )
  select r.low, r.high, min(r.label), array_agg(r.name order by r.name), r.high <= cutoff, r.low = max(r.low) over ()
  from ranged r
  where r.name not in (select l.name from locked l)
  group by r.low, r.high;
end
$$;

-- Which parts of some ranges of a table the aggregates that are a table and a function of ours have not computed, and
-- the aggregates over those. Each range is widened to whole buckets. Whether rows changed since is written nowhere:
-- `data` and `query` are there for who wants to compare. The only definition of it: gated retention calls it, and the
-- program runs the same text (between the two tags) where this routine is not installed yet.
-- The table comes as SQL reads it; ranges begin and end (exclusive) in microseconds since 1970, at the least and the
-- greatest bigint where they are open; from the present on, buckets of indirect aggregates need not be there; null: all.
-- One row a range and aggregate: position (from 1), schema, view, level (1: directly over it), data, query, since,
-- until, gaps (an int8multirange as text).
create function qicore.own_coverage(subject text, lows bigint[], highs bigint[], present bigint)
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

-- What TimescaleDB's aggregates over a table, and the aggregates over those, have not computed of some ranges of it, as
-- the rows are now. The only definition of "covered": gated retention calls it, and the program runs the same texts
-- (each between two tags of its name) where a database has no routine of ours.
-- over: which aggregates, which points. edges: the bucket of each point. wanted: the whole buckets that the rows of a
-- range went into. gaps: what of them the logs of TimescaleDB call changed or never computed. No entry of a log is
-- discounted: once a refresh has moved it to the log of an aggregate, nothing tells a written row from a dropped range.
-- A bucket of an indirect aggregate that is not complete at `present` need not be there.
-- `folded`: the range begins or ends inside of an hour that clocks repeat. There time_bucket with a time zone mixes the
-- rows of both hours before TimescaleDB 2.25, so both hours count as one bucket, and no range may end within it.
-- `blind`: changes of rows cannot be asked for. `cut`: rows of the first bucket lie before the range.
-- In the texts, %1$I is the schema of the extension, and %2$s the text unfinished where the server has that table.
create function qicore.coverage(
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
  -- By way of arrays the planner expects 10 rows. It expects 101 of a recursion, calls the whole thing expensive and
  -- compiles it, which took 20 s where running it takes 5.
  select u.id, u.level
  from (select array_agg(a.id) as ids, array_agg(a.level) as levels from above a) l
  cross join lateral unnest(l.ids, l.levels) as u (id, level)
), span as (
  select s.position, s.low, s.high from unnest($2::bigint[], $3::bigint[]) with ordinality as s (low, high, position)
), asked as (
  -- Each range has three places: where it begins, where it ends, and the present.
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
  -- What a timestamp cannot hold is an open end.
  where a.point between -208000000000000000 and 9214646400000000000
), set_back as materialized (
  select i.*, (i.at - interval '1 day') at time zone i.zone - (i.at - interval '1 day') at time zone 'UTC' as before,
    (i.at + interval '1 day') at time zone i.zone - (i.at + interval '1 day') at time zone 'UTC' as after
  from instant i
), fold as materialized (
  -- The second of the two hours begins with the first minute in which the offset is the later one.
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
    -- A width later is in the next bucket, but where a change of the clock makes this one longer.
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
      when s.low[4] = s.begins + s.back then s.low[4]
      when s.next[3] > s.low[4] then s.next[3]
      else s.next[4]
    end) * 1000000)::bigint as ceil,
    u.one and s.at > s.begins - s.back as folded
  from second_step s
  -- One bucket from before the first of the two hours to after the second.
  cross join lateral (select coalesce(
    s.low[2] > s.begins - interval '1 microsecond' and s.at > s.low[3] and s.at < s.begins + s.back, false
  ) as one) u
  union all
  select n.id, n.place,
    case when n.low <= -9223372036854775808 then -9223372036854775808 else n.low::bigint end,
    case when n.high >= 9223372036854775807 then 9223372036854775807 else n.high::bigint end, false
  from number n
  where n.point not in (-9223372036854775808, 9223372036854775807)
  union all
  select a.id, a.place, a.point, a.point, false
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
  %2$s
), pending as materialized (
  -- Before 2.25 an entry can be the wrong way round, from an hour that clocks repeat: it counts over both of its ends.
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
  -- An experiment of 2.22 alone: changes are read from the WAL, at the next refresh.
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
  -- Up to 2.26.2 a refresh takes entries out of the log before it has computed them, and notes the ranges here.
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

-- The first aggregate over a table, or over such an aggregate, that lacks something of a range as the rows stand now, in
-- whole buckets, and what can be done about it; null where there is none. What is covered is decided by qicore.coverage,
-- and by qicore.own_coverage for aggregates that are tables of ours: of these, what is recorded as computed is computed
-- again and compared. What cannot be read, or cannot be known, counts as not covered.
create function qicore.retain_gap(subject regclass, column_type regtype, low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
  microsecond constant interval := '1 microsecond';
  integers constant boolean := column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype);
  program constant text := 'qicore-db';
  hypertable integer;
  over record;
  whole record;
  gap int8range;
  window_start timestamptz;
  window_end timestamptz;
  stale boolean;
  stored text;
  -- Whether rows between the begin of the first bucket and the range are no longer there.
  lost boolean;
begin
  for over in select c.* from qicore.own_coverage(subject::text, array[low], array[high], present) c order by c.level, c.view loop
    if over.data is null or over.query is null then
      return format('%I.%I: its table or its function is missing', over.schema, over.view);
    elsif integers then
      return format('%I.%I: whether it has covered integer time cannot be told', over.schema, over.view);
    elsif low = -9223372036854775808 or high = 9223372036854775807 then
      return format('%I.%I has not covered a range without an end', over.schema, over.view);
    end if;
    continue when over.since::bigint >= over.until::bigint;
    window_start := epoch + over.since::bigint * microsecond;
    window_end := epoch + over.until::bigint * microsecond;
    if over.gaps <> '{}' then
      gap := (select r from unnest(over.gaps::int8multirange) r order by r limit 1);
      return format('%I.%I has not covered %s to %s', over.schema, over.view, epoch + lower(gap) * microsecond, epoch + upper(gap) * microsecond);
    end if;
    execute format('select exists ((select * from %1$s where bucket >= $1 and bucket < $2 except all select * from %2$s($1, $2))
      union all (select * from %2$s($1, $2) except all select * from %1$s where bucket >= $1 and bucket < $2))', over.data, over.query)
    into stale using window_start, window_end;
    lost := stale and over.since::bigint < low
      and not exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > over.since::bigint);
    if lost then
      return format('rows of the bucket of %I.%I from %s were dropped before: whether it has seen the rest cannot be told', over.schema, over.view, window_start);
    elsif stale then
      return format('rows changed after %I.%I computed %s to %s', over.schema, over.view, window_start, window_end);
    end if;
  end loop;
  if not exists (select from pg_extension where extname = 'timescaledb') then
    return null;
  end if;

  select h.id into hypertable
  from _timescaledb_catalog.hypertable h
  left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
  join pg_namespace n on n.nspname = coalesce(a.user_view_schema, h.schema_name)
  join pg_class c on c.relnamespace = n.oid and c.relname = coalesce(a.user_view_name, h.table_name)
  where c.oid = subject;
  select c.* into over from qicore.coverage(hypertable, array[low], array[high], present) c
  where not isempty(c.gaps) order by c.level, c.view limit 1;
  if not found then
    return null;
  elsif over.blind then
    return format('%s learns of changes from the WAL, where nobody can look for them', over.view);
  elsif over.folded then
    return format('the range ends inside of an hour that clocks repeat, whose rows %s mixes before TimescaleDB 2.25', over.view);
  end if;
  gap := (select r from unnest(over.gaps) r order by r limit 1);
  -- In whole buckets, as a refresh takes them.
  select c.since, c.until into whole from qicore.coverage(hypertable, array[lower(gap)], array[upper(gap)], null) c where c.id = over.id;
  lost := over.cut and whole.since < low
    and not exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > whole.since);
  if lost then
    -- Before the first chunk there may never have been any: then the aggregate has nothing to lose.
    select format('select exists (select from %I.%I where %I >= %s and %I < %s)', h.schema_name, h.table_name,
      d.column_name, qicore.retain_literal(d.column_type, whole.since), d.column_name, qicore.retain_literal(d.column_type, whole.until))
    into strict stored
    from _timescaledb_catalog.hypertable h join _timescaledb_catalog.dimension d on d.hypertable_id = h.id
    where h.id = over.id order by d.id limit 1;
    execute stored into lost;
  end if;
  if integers and lost then
    return format('%s may not have counted all rows of its bucket %s to %s, and rows of that bucket were dropped before', over.view, whole.since, whole.until);
  elsif integers then
    return format('%s has not covered %s to %s', over.view, whole.since, whole.until);
  end if;
  window_start := epoch + whole.since * microsecond;
  window_end := epoch + whole.until * microsecond;
  if lost then
    -- A refresh would give the bucket without the rows that are gone; which of the two losses is the smaller, nobody can know here.
    return format('%s may not have counted all rows of its bucket %s to %s, and rows of that bucket were dropped before. '
      'To compute it from the rows that are left: `%s aggregates refresh %s --from %s --to %s --accept-loss`. '
      'To keep it and drop the rows: `%s chunks drop %s --older-than %s --accept-loss`',
      over.view, window_start, window_end, program, over.view, to_char(window_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      program, subject, to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
  end if;
  return format('%s has not covered %s to %s', over.view, window_start, window_end);
end
$$;

-- Why the chunks of one range, or a partition, must not be dropped now; null where nothing speaks against it. Either the
-- first aggregate over the table, or over such an aggregate, that has not covered the range, with what it lacks; or a
-- foreign key, which TimescaleDB would drop together with the chunk that it leads to (PostgreSQL refuses by itself).
-- Where a partition holds rows in a part of its range only, that part counts.
create function qicore.retain_obstacle(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  partitioned constant boolean := exists (select from pg_partitioned_table where partrelid = subject);
  reason text;
  first_row bigint;
  last_row bigint;
  point text;
begin
  if not partitioned then
    select format('foreign key %I of %s leads to it, and would be dropped with it', k.conname, k.conrelid::regclass) into reason
    from pg_constraint k where k.confrelid = subject and k.contype = 'f' order by k.conname limit 1;
    if reason is not null then
      return reason;
    end if;
  end if;
  reason := qicore.retain_gap(subject, column_type, low, high, present);
  if reason is null or not partitioned then
    return reason;
  end if;
  point := case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then '%s::bigint'
    else '(extract(epoch from %s::timestamptz) * 1000000)::bigint'
  end;
  execute format('select (select %s from %s order by %I limit 1), (select %s from %s order by %I desc limit 1)',
    format(point, quote_ident(column_name)), relations[1], column_name, format(point, quote_ident(column_name)), relations[1], column_name)
  into first_row, last_row;
  if first_row is null then
    return null;
  end if;
  return qicore.retain_gap(subject, column_type, greatest(low, first_row), least(high, last_row + 1), present);
end
$$;

-- Drops one chunk or partition of a table. TimescaleDB's drop_chunks writes down that what it dropped has changed, with
-- one microsecond too many: a later refresh then erases what the aggregates know of it, and the next chunk never counts
-- as covered. Dropping a chunk by its name does neither, in every version from 2.15; but up to 2.28 it asks nobody's
-- rights, so that is done here.
create function qicore.retain_drop(subject regclass, relation text, low_sql text, high_sql text)
returns void
language plpgsql
as $$
declare
  extension_schema name;
  owner name;
  role_before constant text := current_setting('role');
begin
  select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
  if not pg_has_role(current_user, owner, 'usage') then
    raise exception using errcode = '42501', message = format('must be owner of %s', subject);
  end if;
  -- What runs on a drop (event triggers) is not lent the rights of a superuser.
  if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
    perform set_config('role', owner, true);
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    execute format('drop table if exists %s', relation);
  elsif to_regclass(relation) is null then
    -- Somebody else has dropped it: as good as dropped.
    null;
  elsif to_regprocedure('_timescaledb_functions.drop_chunk(regclass)') is not null then
    execute format('select _timescaledb_functions.drop_chunk(%L::regclass)', relation);
  else
    select n.nspname into extension_schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
    execute format('select count(*) from %I.drop_chunks(%L::regclass, older_than => %s, newer_than => %s)', extension_schema, subject, high_sql, low_sql);
  end if;
  perform set_config('role', role_before, true);
  if to_regclass(relation) is not null then
    raise exception using errcode = '55000', message = format('%s is still there after it was dropped', relation);
  end if;
end
$$;

-- Drops the chunks of one range together, or a partition, if nothing speaks against it. Gives what does, and null where
-- they are gone. Asked twice: without a lock first, so that what cannot be dropped disturbs nobody, then with the lock
-- that the drop needs, since what is committed between an answer and the drop would be lost unseen.
-- One range at a time: with one of its chunks gone, the next refresh of a late row in another would compute the bucket
-- from what is left.
create function qicore.retain_range(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  reason text;
begin
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is not null then
    return reason;
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    -- Against writers only, also of its own partitions: dropping it locks the parent first, and who reads through the
    -- parent and waited here would wait for us as we for him.
    execute format('lock table %s in exclusive mode', relations[1]);
  else
    execute format('lock table only %s in access exclusive mode', array_to_string(relations, ', only '));
  end if;
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is null then
    perform qicore.retain_drop(subject, relation, qicore.retain_literal(column_type, low), qicore.retain_literal(column_type, high))
    from unnest(relations) as relation;
  end if;
  return reason;
end
$$;

-- Gated retention of one table, as a job of TimescaleDB's own scheduler, of pg_cron or of ours:
-- CALL qicore.retain(0, '{"object": "public.ohlcv_data"}'), with "job" and its name where the run is an occurrence of
-- one. Drops the chunks or partitions older than qicore.policies says, the oldest first and each range in a transaction
-- of its own. Never those of the newest range, never more chunks than maxDropPerRun (unless one range alone has more),
-- never what an aggregate over the table (or over such an aggregate) has not covered, and nothing at all where the
-- newest row is older than the retention: of a dead feed that is the last copy. What differs from what was agreed to is
-- blocked; a declaration that is changed meanwhile stops the run. What cannot be read counts as not covered. Ends in an
-- error that says what was held back, after having done the rest.
-- No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.retain(job_id integer, config jsonb)
language plpgsql
as $$
declare
  wanted text;
  subject regclass;
  policy jsonb;
  scale record;
  pieces jsonb;
  piece record;
  relation text;
  log_id bigint;
  most integer;
  dropped integer := 0;
  held integer := 0;
  alive boolean := false;
  gone boolean;
  refusal text;
  advice text;
  reason text;
  fate text;
  first_reason text;
  began timestamptz;
begin
  perform qicore.retain_settings();
  wanted := config ->> 'object';
  if config ->> 'job' is not null then
    -- Of a schedule: what is refused below is written down too.
    log_id := qicore.begin_job(config ->> 'job', concat('retain ', wanted), wanted);
    commit;
    if log_id is null then
      return;
    end if;
    perform qicore.retain_settings();
  end if;
  subject := to_regclass(wanted);
  select p.config into policy from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject;
  if subject is null then
    refusal := format('retention: there is no table %s', coalesce(wanted, '(config names none)'));
    advice := 'Remove the job, or name a table that is there.';
  elsif policy is null then
    refusal := format('%s: no retention is declared in qicore.policies', wanted);
    advice := '`qicore-db policies apply` declares it, or remove the job.';
  elsif policy #>> '{consent,hash}' is distinct from qicore.retention_hash(wanted, policy)
    or coalesce(config ->> 'hash', policy #>> '{consent,hash}') is distinct from policy #>> '{consent,hash}'
  then
    refusal := format('%s: what is declared (older than %s, at most %s a run) is not what was agreed to; nothing was dropped', wanted, policy ->> 'after', policy ->> 'maxDropPerRun');
    advice := '`qicore-db policies apply` asks for the confirmation.';
  end if;
  if refusal is not null then
    update qicore.maintenance_log l set status = 'failed', completed_at = qicore.now(), error = refusal where l.id = log_id;
    commit;
    raise exception using errcode = case when subject is null then '42P01' else '55000' end, message = refusal, hint = advice;
  end if;
  most := coalesce((policy ->> 'maxDropPerRun')::integer, 8);
  select s.* into scale from qicore.retain_scale(subject, policy) s;
  if log_id is null then
    insert into qicore.maintenance_log (operation, job, actor, status, started_at)
    values ('retain ' || wanted, null, session_user, 'running', clock_timestamp())
    returning id into log_id;
  end if;
  update qicore.maintenance_log l
  set detail = coalesce(l.detail, '{}') || jsonb_build_object('job', job_id, 'after', policy ->> 'after', 'cutoff', scale.cutoff_text)
  where l.id = log_id;
  commit;

  perform qicore.retain_settings();
  begin
    select jsonb_agg(to_jsonb(p) order by p.low, p.high) into pieces from qicore.retain_pieces(subject, scale.cutoff) p where p.old and not p.newest;
    if pieces is not null then
      -- The newest first: usually the first answer is yes, and nothing else is opened.
      foreach relation in array array(
        select r.name from qicore.retain_pieces(subject, scale.cutoff) p cross join lateral unnest(p.relations) as r (name) where not p.old order by p.low desc
      ) loop
        execute format('select exists (select from %s where %I >= %s and %I <= %s)', relation, scale.column_name, scale.cutoff_sql, scale.column_name, scale.future_sql)
        into alive;
        exit when alive;
      end loop;
      if not alive then
        first_reason := 'its newest row is older than that, and a feed that is dead leaves its last copy here';
      end if;
    end if;
  exception when others then
    first_reason := sqlerrm || ' [' || sqlstate || ']';
  end;
  if first_reason is not null then
    held := greatest(1, jsonb_array_length(pieces));
    pieces := null;
  end if;
  commit;

  for number in 0 .. coalesce(jsonb_array_length(pieces), 0) - 1 loop
    select p.* into piece from jsonb_to_record(pieces -> number) as p (low bigint, high bigint, label text, relations text[]);
    exit when dropped > 0 and dropped + cardinality(piece.relations) > most;
    perform qicore.retain_settings();
    began := clock_timestamp();
    fate := 'done';
    begin
      if not exists (select from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject and p.config = policy) then
        reason := 'the declaration was changed while this ran';
      else
        reason := qicore.retain_range(subject, scale.column_name, scale.column_type, piece.relations, piece.low, piece.high, scale.now);
      end if;
      if reason is not null then
        fate := 'skipped';
      end if;
    exception when others then
      fate := 'failed';
      reason := sqlerrm || ' [' || sqlstate || ']';
    end;
    -- Somebody else was faster.
    gone := fate <> 'done' and not exists (select from unnest(piece.relations) as name where to_regclass(name) is not null);
    if gone then
      fate := 'skipped';
      reason := 'already dropped';
    elsif fate = 'done' then
      dropped := dropped + cardinality(piece.relations);
    else
      held := held + cardinality(piece.relations);
      first_reason := coalesce(first_reason, format('%s (%s): %s', array_to_string(piece.relations, ', '), piece.label, reason));
    end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail, error)
    values (log_id, 'drop ' || array_to_string(piece.relations, ', '), number, fate, began, clock_timestamp(), 1,
      jsonb_strip_nulls(jsonb_build_object('range', piece.label, 'note', case when fate = 'skipped' then reason end)), case when fate = 'failed' then reason end);
    commit;
  end loop;

  perform qicore.retain_settings();
  update qicore.maintenance_log l
  set status = case when held = 0 then 'done' when dropped = 0 then 'failed' else 'partly' end, completed_at = clock_timestamp(), attempts = 1, error = first_reason
  where l.id = log_id;
  commit;
  if held > 0 then
    raise exception using errcode = '55000',
      message = format('%s: %s older than %s not dropped: %s', wanted, case when held = 1 then '1 chunk' else held || ' chunks' end, policy ->> 'after', first_reason);
  end if;
end
$$;
