-- Creates the partition of a range-partitioned table that contains an instant, and returns it. If a partition has
-- exactly that range it is returned, whatever its name. If a larger one covers the range, the error has SQLSTATE QC001;
-- if one overlaps it, 42P17. Both errors name the two ranges. The partition is created as a table and then attached, so
-- that reads and writes of the parent continue.
-- A bound is the instant at which a day begins in the time zone, also if midnight is skipped or repeated there;
-- `qicore-db partitions` uses the same rule and the same names. Works without TimescaleDB.
-- since: core.1.2.0
create or replace function qicore.create_partition(parent regclass, period text, instant timestamptz, zone text default 'UTC')
returns regclass
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  parent_schema name;
  parent_schema_oid oid;
  parent_name name;
  suffix text;
  base text;
  child text;
  start_local timestamp;
  end_local timestamp;
  bound_clause text;
  key_type oid;
  storage_clause text;
  midnight timestamp;
  edge timestamptz;
  other record;
  bounds text[] := '{}';
begin
  if period is null or period not in ('month', 'day') then
    raise exception using errcode = '22023', message = format('invalid partition period "%s": use month or day', period);
  end if;
  select n.nspname, n.oid, c.relname, a.atttypid into parent_schema, parent_schema_oid, parent_name, key_type
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_partitioned_table p on p.partrelid = c.oid and p.partstrat = 'r' and p.partnatts = 1
  join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
  where c.oid = parent;
  if not found then
    raise exception using errcode = '42809', message = format('%s is not partitioned by range of one column', parent);
  end if;
  if instant is null or not isfinite(instant) then
    raise exception using errcode = '22023', message = format('a partition of %s cannot be created for the time %s', parent, coalesce(instant::text, 'null'));
  end if;

  start_local := date_trunc(period, instant at time zone zone);
  end_local := start_local + case period when 'month' then interval '1 month' else interval '1 day' end;
  if key_type = 'timestamptz'::regtype then
    foreach midnight in array array[start_local, end_local] loop
      edge := midnight at time zone zone;
      if (edge - interval '1 microsecond') at time zone zone >= midnight then
        -- Midnight is repeated (Havana): the day begins at the first, which has the offset of the day before.
        edge := (midnight - ((edge - interval '1 day') at time zone zone - (edge - interval '1 day') at time zone 'UTC')) at time zone 'UTC';
        if not (edge at time zone zone >= midnight and (edge - interval '1 microsecond') at time zone zone < midnight) then
          -- Midnight is skipped (Toronto, 1919): the day begins at the first instant after the gap.
          edge := midnight at time zone zone;
          select coalesce(min(t), edge) into edge from generate_series(edge - interval '1 day', edge, interval '1 minute') t
          where t at time zone zone >= midnight and (t - interval '1 microsecond') at time zone zone < midnight;
        end if;
      end if;
      bounds := bounds || edge::text;
    end loop;
  elsif key_type = 'timestamp'::regtype then
    bounds := array[start_local::text, end_local::text];
  elsif key_type = 'date'::regtype then
    bounds := array[start_local::date::text, end_local::date::text];
  else
    raise exception using errcode = '42809',
      message = format('%s is partitioned by a column of type %s, not by a date or a time', parent, format_type(key_type, null));
  end if;

  suffix := to_char(start_local, case period when 'month' then '"_y"FMYYYY"m"MM' else '"_y"FMYYYY"m"MM"d"DD' end);
  base := parent_name;
  if octet_length(base || suffix) > 63 then
    -- The hash distinguishes long names with the same beginning. left() cuts characters, not bytes.
    suffix := '_' || left(md5(parent_name), 8) || suffix;
    while octet_length(base || suffix) > 63 loop
      base := left(base, -1);
    end loop;
  end if;
  child := format('%I.%I', parent_schema, base || suffix);
  bound_clause := format('FOR VALUES FROM (%L) TO (%L)', bounds[1], bounds[2]);

  -- One session at a time: two that create the same partition would otherwise fail with a duplicate name.
  execute format('lock table only %s in share update exclusive mode', parent);
  -- By range, because a partition may have any name. pg_get_expr with a relation would wait for a lock on it.
  select c.oid, format('%I.%I', n.nspname, c.relname) as name, i.inhdetachpending as pending, b.low, b.high,
    b.low = bounds[1]::timestamptz and b.high = bounds[2]::timestamptz as same,
    b.low <= bounds[1]::timestamptz and b.high >= bounds[2]::timestamptz as covers
  into other
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral regexp_match(pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \(''?([^'']*)''?\) TO \(''?([^'']*)''?\)$') as m (bound)
  cross join lateral (
    select case m.bound[1] when 'MINVALUE' then '-infinity' else m.bound[1] end::timestamptz as low,
      case m.bound[2] when 'MAXVALUE' then 'infinity' else m.bound[2] end::timestamptz as high
  ) as b
  where i.inhparent = parent and m.bound is not null and b.low < bounds[2]::timestamptz and b.high > bounds[1]::timestamptz
  order by b.low limit 1;
  if found and other.pending then
    raise exception using errcode = '55000',
      message = format('%s is pending detach from %s and still has %s to %s: %s cannot be created', other.name, parent, other.low, other.high, child),
      hint = format('Finish the detach first: ALTER TABLE %s DETACH PARTITION %s FINALIZE', parent, other.name);
  elsif found and other.same then
    return other.oid::regclass;
  elsif found then
    raise exception using errcode = case when other.covers then 'QC001' else '42P17' end,
      message = format('%s (%s to %s) %s %s to %s: %s cannot be created', other.name, other.low, other.high,
        case when other.covers then 'covers' else 'overlaps' end, bounds[1], bounds[2], child);
  end if;
  if exists (select from pg_class c where c.relnamespace = parent_schema_oid and c.relname = base || suffix) then
    if exists (select from pg_inherits i where i.inhrelid = child::regclass and i.inhparent = parent) then
      raise exception using errcode = '42P07', message = format('%s is a partition of %s with other bounds than %s to %s', child, parent, bounds[1], bounds[2]);
    end if;
    raise exception using errcode = '42P07', message = format('%s already exists and is not a partition of %s: attach, rename or drop it', child, parent);
  end if;
  -- The access method and tablespace that CREATE TABLE ... PARTITION OF would use.
  select concat(' using ' || quote_ident(m.amname), ' tablespace ' || quote_ident(s.spcname)) into storage_clause
  from pg_class c left join pg_am m on m.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace
  where c.oid = parent;
  execute format('create table %s (like %s including defaults including constraints including storage including compression including generated)%s', child, parent, storage_clause);
  execute format('alter table %s attach partition %s %s', parent, child, bound_clause);
  return child::regclass;
end
$$;
