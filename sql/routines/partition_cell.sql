-- The local time at which a period begins that contains a local time, or one that many periods later, on the grid of
-- qicore.grid_start. Names: `month`, `6 hours`, `2 weeks`, `quarter`, `year`.
-- since: core.1.2.0
-- requires: grid_start
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
  hours integer := count * case part[2] when 'hour' then 1 when 'day' then 24 when 'week' then 168 end;
begin
  if part is null or part[2] = 'hour' and 24 % count <> 0 then
    raise exception using errcode = '22023',
      message = format('invalid partition period "%s": use hour, day, week, month, quarter or year, or a number of them', period);
  end if;
  return qicore.grid_start(at, coalesce(months, 0), hours) + later * make_interval(months => coalesce(months, 0), hours => coalesce(hours, 0));
end
$$;
