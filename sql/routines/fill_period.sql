-- Creates what partitions do not cover of the period that is so many periods ahead of now, and returns the new
-- partitions: where the existing ones end inside of it, the first new one begins there. `key` is that of
-- qicore.partition_key.
-- since: core.1.14.0
-- requires: partition_cell, local_start, partition_bound, partition_ranges, partition_suffix, partition_name, attach_partition
create or replace function qicore.fill_period(parent regclass, key text, period text, zone text, ahead integer)
returns setof regclass
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  local_key boolean := key in ('timestamp', 'date');
  start_local timestamp := qicore.partition_cell(period, now() at time zone zone, ahead);
  first_at timestamptz := case when local_key then start_local at time zone 'UTC' else qicore.local_start(start_local, zone) end;
  stop_local timestamp := qicore.partition_cell(period, start_local, 1);
  last_at timestamptz := case when local_key then stop_local at time zone 'UTC' else qicore.local_start(stop_local, zone) end;
  part record;
  suffix text;
  template regclass;
begin
  if first_at >= last_at then
    return;
  end if;
  -- One session at a time: two that create the same partition would otherwise fail with a duplicate name.
  execute format('lock table only %s in share update exclusive mode', parent);
  if exists (select from qicore.partition_ranges(parent, key) r where r.pending and r.low < last_at and r.high > first_at) then
    raise exception using errcode = '55000', message = format('a partition of %s that has %s to %s is pending detach', parent, first_at, last_at);
  end if;
  template := (select r.child from qicore.partition_ranges(parent, key) r where not r.pending order by r.low desc limit 1)::regclass;
  for part in
    select lower(free) as low, upper(free) as high,
      coalesce((select r.high_text from qicore.partition_ranges(parent, key) r where r.high = lower(free) limit 1), qicore.partition_bound(key, lower(free))) as low_text,
      coalesce((select r.low_text from qicore.partition_ranges(parent, key) r where r.low = upper(free) limit 1), qicore.partition_bound(key, upper(free))) as high_text
    from unnest(tstzmultirange(tstzrange(first_at, last_at)) - coalesce((
      select range_agg(tstzrange(nullif(r.low, '-infinity'), nullif(r.high, 'infinity'))) from qicore.partition_ranges(parent, key) r where not r.pending
    ), '{}')) as free
    order by 1
  loop
    suffix := case when part.low = first_at and part.high < last_at then to_char(start_local, '"_y"FMYYYY"m"MM"d"DD"h"HH24MI')
      else qicore.partition_suffix(period, part.low at time zone case when local_key then 'UTC' else zone end, part.low = first_at) end;
    -- After a change of the time zone, another partition may begin at this local time of the former zone.
    if exists (
      select from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = parent and not i.inhdetachpending and c.relname = qicore.partition_name(parent, suffix)
        and c.relnamespace = (select p.relnamespace from pg_class p where p.oid = parent)
    ) then
      suffix := to_char(part.low at time zone 'UTC', '"_y"FMYYYY"m"MM"d"DD"h"HH24MI"z"');
    end if;
    return next qicore.attach_partition(parent, suffix, part.low_text, part.high_text, template);
  end loop;
end
$$;
