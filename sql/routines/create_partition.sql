-- Creates the partition of a range-partitioned table that contains an instant, and returns it. If a partition has
-- exactly that range it is returned, whatever its name. If a larger one covers the range, the error has SQLSTATE QC001;
-- if one overlaps it, 42P17. Both errors name the two ranges. The partition is created as a table and then attached, so
-- that reads and writes of the parent continue.
-- Periods are `hour`, `day`, `week`, `month`, `quarter`, `year` or a number of them. A bound is the first instant at
-- which the local time is reached, also if it is skipped or repeated; `qicore-db partitions` uses the same rule and the
-- same names. Works without TimescaleDB.
-- since: core.1.2.0
-- requires: partition_cell, local_start, partition_key, partition_bound, partition_ranges, partition_suffix, attach_partition
create or replace function qicore.create_partition(parent regclass, period text, instant timestamptz, zone text default 'UTC')
returns regclass
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  key text := qicore.partition_key(parent);
  start_local timestamp;
  first_at timestamptz;
  last_at timestamptz;
  other record;
  wanted text;
begin
  if instant is null or not isfinite(instant) then
    raise exception using errcode = '22023', message = format('a partition of %s cannot be created for the time %s', parent, coalesce(instant::text, 'null'));
  end if;
  start_local := qicore.partition_cell(period, instant at time zone zone);
  if key in ('timestamp', 'date') then
    first_at := start_local at time zone 'UTC';
    last_at := qicore.partition_cell(period, start_local, 1) at time zone 'UTC';
  else
    first_at := qicore.local_start(start_local, zone);
    last_at := qicore.local_start(qicore.partition_cell(period, start_local, 1), zone);
  end if;
  wanted := (select format('%I.%I', n.nspname, c.relname || qicore.partition_suffix(period, start_local, true)) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent);
  -- One session at a time: two that create the same partition would otherwise fail with a duplicate name.
  execute format('lock table only %s in share update exclusive mode', parent);
  select r.*, r.low = first_at and r.high = last_at as same,
    r.low <= first_at and r.high >= last_at as covers
  into other
  from qicore.partition_ranges(parent, key) r
  where r.low < last_at and r.high > first_at
  order by r.low limit 1;
  if found and other.pending then
    raise exception using errcode = '55000',
      message = format('%s is pending detach from %s and still has %s to %s: %s cannot be created', other.name, parent, other.low, other.high, wanted),
      hint = format('Finish the detach first: ALTER TABLE %s DETACH PARTITION %s FINALIZE', parent, other.name);
  elsif found and other.same then
    return other.child::regclass;
  elsif found then
    raise exception using errcode = case when other.covers then 'QC001' else '42P17' end,
      message = format('%s (%s to %s) %s %s to %s: %s cannot be created', other.name, other.low, other.high,
        case when other.covers then 'covers' else 'overlaps' end, first_at, last_at, wanted);
  end if;
  return qicore.attach_partition(parent, qicore.partition_suffix(period, start_local, true), qicore.partition_bound(key, first_at), qicore.partition_bound(key, last_at),
    (select r.child from qicore.partition_ranges(parent, key) r where not r.pending order by r.low desc limit 1)::regclass);
end
$$;
