-- The calendar periods of partition sets, and the relation with each period's name: one row a set and period. A table
-- that is partitioned by something else has a set for each partition that is itself partitioned by time.
-- Boundaries lie on a grid of local time. The texts of qicore.grid_start and qicore.local_start are put in place of their
-- calls (src/catalog/calendar-sql.ts). A period that a zone skipped (a day: Apia, 2011-12-30) has no row.
-- $1 text[] of qualified names of tables, $2 int[] of months or 0, $3 int[] of hours or 0, $4 text[] of patterns of
-- to_char for the suffix of the name, $5 text[] of time zones, $6 text[] of first local times (null: now), $7 text[] of
-- last local times, inclusive (null: $8 periods ahead), $8 int[] of periods ahead, $9 text[] of instants and $10 text[]
-- of intervals: a period that ends before the instant, or begins later than the interval from now, is not sane; $11
-- boolean[] whether an integer or text key is a time. `start` and `stop` are microseconds since 1970. Takes no lock:
-- pg_get_expr gets no relation. TimescaleDB: not needed.
with recursive asked as (
  select w.*, c.oid
  from unnest($1::text[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[], $11::boolean[])
    with ordinality as w (relation, months, hours, pattern, zone, first, last, ahead, earliest, within, numbered, position)
  -- to_regclass would raise an error if this role lacks USAGE on the schema.
  join pg_namespace n on n.nspname = (parse_ident(w.relation))[1]::name
  join pg_class c on c.relnamespace = n.oid and c.relname = (parse_ident(w.relation))[2]::name and c.relkind = 'p'
), key as materialized (
  select p.partrelid as oid, p.partdefid, a.atttypid as type,
    a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'uuid'::regtype) as is_time,
    a.atttypid in ('int4'::regtype, 'int8'::regtype, 'text'::regtype, 'varchar'::regtype) as is_number
  from pg_partitioned_table p
  join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
  where p.partstrat = 'r' and p.partnatts = 1
), branch as (
  select position, numbered, oid from asked
  union all
  select b.position, b.numbered, i.inhrelid
  from (
    -- Without OFFSET the planner reads the partitions of every set first.
    select b.position, b.numbered, b.oid from branch b
    where not exists (select 1 from key k where k.oid = b.oid and (k.is_time or b.numbered and k.is_number))
    offset 0
  ) b
  join pg_inherits i on i.inhparent = b.oid
  join pg_class c on c.oid = i.inhrelid and c.relkind = 'p'
), wanted as (
  select w.position, w.zone, w.months, w.hours, w.pattern, k.oid as parent, k.type, n.oid as space, n.nspname as schema, c.relname as name,
    k.type in ('date'::regtype, 'timestamp'::regtype) as local_key,
    case when w.months > 0 then make_interval(months => w.months) else make_interval(hours => w.hours) end as step,
    coalesce(w.first::timestamp, statement_timestamp() at time zone w.zone) as first,
    w.last::timestamp as last, w.ahead, w.earliest::timestamptz as earliest, statement_timestamp() + w.within::interval as latest,
    coalesce(k.partdefid <> 0 and exists (select from pg_constraint g where g.conrelid = k.partdefid and g.conname = 'qicore_partition_guard'), false) as guarded,
    exists (select from pg_inherits i where i.inhparent = k.oid and i.inhdetachpending) as detaching
  from asked w
  join branch b on b.position = w.position
  join key k on k.oid = b.oid and (k.is_time or w.numbered and k.is_number)
  join pg_class c on c.oid = k.oid
  join pg_namespace n on n.oid = c.relnamespace
), gridded as (
  select w.*, qicore.grid_start(w.first, w.months, w.hours) as begin from wanted w
), period as (
  select g.*, local.start, local.start + g.step as stop, to_char(local.start, g.pattern) as suffix
  from gridded g
  cross join lateral generate_series(g.begin, coalesce(g.last, g.begin + g.ahead * g.step), g.step) as local (start)
), named as materialized (
  select p.*,
    case when octet_length(p.name || p.suffix) <= 63 then p.name || p.suffix
    else (
      -- The hash distinguishes long names with the same beginning. The name is cut between characters, not bytes.
      select left(p.name, max(size)) || '_' || left(md5(p.name), 8) || p.suffix from generate_series(1, length(p.name)) as size
      where octet_length(left(p.name, size)) + 9 + octet_length(p.suffix) <= 63
    ) end as child
  from period p
), bounded as materialized (
  -- Both ends in one subquery: joins with a list of all ends would compare each period with each end.
  select n.*, ends.lower, ends.upper
  from named n
  cross join lateral (
    select min(e.instant) filter (where e.is_lower) as lower, min(e.instant) filter (where not e.is_lower) as upper
    from (
      select side.is_lower,
        case when n.local_key then side.local at time zone 'UTC' else qicore.local_start(side.local, n.zone) end as instant
      from (values (true, n.start), (false, n.stop)) as side (is_lower, local)
    ) e
  ) ends
  where ends.lower < ends.upper
)
select b.position::int, b.schema, b.name as table, b.child as partition, format_type(b.type, null) as type,
  (extract(epoch from b.lower) * 1000000)::int8::text as start, (extract(epoch from b.upper) * 1000000)::int8::text as stop,
  b.upper > b.earliest and b.lower <= b.latest as sane, b.guarded, b.detaching,
  c.oid is not null as exists, i.inhrelid is not null as attached, coalesce(i.inhdetachpending, false) as pending,
  case when i.inhrelid is not null then pg_get_expr(c.relpartbound, 0) end as bound
from bounded b
left join pg_class c on c.relnamespace = b.space and c.relname = b.child
left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = b.parent
order by b.position, b.schema, b.name, b.start
