-- The calendar periods of partition sets, and the relation with each period's name: one row a table and period.
-- Boundaries are the first instant of a local month or day, also if midnight is skipped or repeated; a day that a zone
-- skipped (Apia, 2011-12-30) has no row.
-- $1 text[] of qualified names of tables, $2 text[] of month or day, $3 text[] of time zones, $4 text[] of first local
-- dates (null: now), $5 text[] of last local dates, inclusive (null: $6 periods ahead), $6 int[] of periods ahead,
-- $7 text[] of instants and $8 text[] of intervals: a period that ends before the instant, or begins later than the
-- interval from now, is not sane. Takes no lock: pg_get_expr gets no relation. TimescaleDB: not needed.
with wanted as (
  select w.position, w.zone, w.every, p.partrelid as parent, n.nspname as schema, c.relname as name, a.atttypid as key_type,
    case w.every when 'day' then interval '1 day' else interval '1 month' end as step,
    case w.every when 'day' then '"_y"FMYYYY"m"MM"d"DD' else '"_y"FMYYYY"m"MM' end as pattern,
    date_trunc(w.every, coalesce(w.first::timestamp, statement_timestamp() at time zone w.zone)) as first,
    w.last::timestamp as last, w.ahead, w.earliest::timestamptz as earliest, statement_timestamp() + w.within::interval as latest,
    coalesce(p.partdefid <> 0 and exists (select from pg_constraint g where g.conrelid = p.partdefid and g.conname = 'qicore_partition_guard'), false) as guarded,
    exists (select from pg_inherits i where i.inhparent = p.partrelid and i.inhdetachpending) as detaching
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[])
    with ordinality as w (relation, every, zone, first, last, ahead, earliest, within, position)
  -- to_regclass would raise an error if this role lacks USAGE on the schema.
  join pg_namespace n on n.nspname = (parse_ident(w.relation))[1]::name
  join pg_class c on c.relnamespace = n.oid and c.relname = (parse_ident(w.relation))[2]::name
  join pg_partitioned_table p on p.partrelid = c.oid and p.partstrat = 'r' and p.partnatts = 1
  join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
), period as (
  select w.*, local.start, local.start + w.step as stop, to_char(local.start, w.pattern) as suffix
  from wanted w
  cross join lateral generate_series(w.first, coalesce(w.last, w.first + w.ahead * w.step), w.step) as local (start)
), named as (
  select p.*,
    case when octet_length(p.name || p.suffix) <= 63 then p.name || p.suffix
    else (
      -- The hash distinguishes long names with the same beginning. The name is cut between characters, not bytes.
      select left(p.name, max(size)) || '_' || left(md5(p.name), 8) || p.suffix from generate_series(1, length(p.name)) as size
      where octet_length(left(p.name, size)) + 9 + octet_length(p.suffix) <= 63
    ) end as child
  from period p
), edge as (
  select n.position, n.start, side.which,
    case when n.key_type = 'timestamptz'::regtype then coalesce(
      case when usual.at at time zone n.zone >= side.local and (usual.at - interval '1 microsecond') at time zone n.zone < side.local
        then usual.at end,
      -- Midnight is repeated (Havana): the day begins with the first one.
      case when earlier.at at time zone n.zone >= side.local and (earlier.at - interval '1 microsecond') at time zone n.zone < side.local
        then earlier.at end,
      -- Midnight is skipped (Toronto, 1919): the day begins right after the skipped time.
      (select min(t) from generate_series(usual.at - interval '1 day', usual.at, interval '1 minute') as t
       where t at time zone n.zone >= side.local and (t - interval '1 microsecond') at time zone n.zone < side.local),
      usual.at
    ) else side.local at time zone 'UTC' end as instant
  from named n
  cross join lateral (values ('lower', n.start), ('upper', n.stop)) as side (which, local)
  cross join lateral (select side.local at time zone n.zone as at) as usual
  cross join lateral (
    select (side.local - (((usual.at - interval '1 day') at time zone n.zone) - ((usual.at - interval '1 day') at time zone 'UTC'))) at time zone 'UTC' as at
  ) as earlier
), bounded as (
  select n.*, lower.instant as lower, upper.instant as upper,
    case n.key_type when 'date'::regtype then (n.start::date)::text when 'timestamp'::regtype then n.start::text else lower.instant::text end as lower_text,
    case n.key_type when 'date'::regtype then (n.stop::date)::text when 'timestamp'::regtype then n.stop::text else upper.instant::text end as upper_text
  from named n
  join edge lower on lower.position = n.position and lower.start = n.start and lower.which = 'lower'
  join edge upper on upper.position = n.position and upper.start = n.start and upper.which = 'upper'
  where lower.instant < upper.instant
)
select b.position::int, b.schema, b.name as table, b.child as partition, b.lower_text, b.upper_text,
  b.lower as from, b.upper as to, extract(epoch from b.lower)::float8 as from_epoch, extract(epoch from b.upper)::float8 as to_epoch,
  b.upper > b.earliest and b.lower <= b.latest as sane, b.guarded, b.detaching,
  case
    when c.oid is null then 'missing'
    when i.inhrelid is null then 'taken'
    when i.inhdetachpending then 'pending'
    when pg_get_expr(c.relpartbound, 0) = format('FOR VALUES FROM (%L) TO (%L)', b.lower_text, b.upper_text) then 'present'
    else 'other'
  end as state
from bounded b
left join pg_class c on c.relnamespace = b.schema::regnamespace and c.relname = b.child
left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = b.parent
order by b.position, b.start
