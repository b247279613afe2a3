-- The local time at which a period begins that contains a local time, or one that many periods later. Periods lie on a
-- grid: every so many months from January 2000, or every so many hours from Monday 2000-01-03, as in TimescaleDB's
-- time_bucket. `qicore-db partitions` uses the same grid. Names: `month`, `6 hours`, `2 weeks`, `quarter`, `year`.
-- since: core.1.2.0
create or replace function qicore.partition_cell(period text, at timestamp, later integer default 0)
returns timestamp
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  part text[] := regexp_match(period, '^(?:([1-9]\d{0,2}|1000) )?(hour|day|week|month|quarter|year)s?$');
  count integer := coalesce(part[1], '1')::integer;
  months integer := count * case part[2] when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end;
  step interval := make_interval(hours => count * case part[2] when 'hour' then 1 when 'day' then 24 when 'week' then 168 end);
begin
  if part is null or part[2] = 'hour' and 24 % count <> 0 then
    raise exception using errcode = '22023',
      message = format('invalid partition period "%s": use hour, day, week, month, quarter or year, or a number of them', period);
  end if;
  if months is null then
    return date_bin(step, at, timestamp '2000-01-03') + later * step;
  end if;
  return timestamp '2000-01-01' + make_interval(
    months => (floor(((extract(year from at) - 2000) * 12 + extract(month from at) - 1) / months) * months)::integer + later * months
  );
end
$$;
