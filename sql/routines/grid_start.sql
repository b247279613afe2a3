-- The local time at which the period begins that contains a local time. Periods lie on a grid: every so many months from
-- January 2000, or, if that is 0, every so many hours from Monday 2000-01-03, as in TimescaleDB's time_bucket. The text
-- between the tags is the only definition: src/catalog/calendar-sql.ts puts it into the queries of periods, which also run
-- in databases without this routine.
-- since: core.1.2.0
create or replace function qicore.grid_start(local timestamp, months integer, hours integer)
returns timestamp
language sql
immutable
set search_path = pg_catalog, pg_temp
as $start$
  select case
    when months > 0 then timestamp '2000-01-01' + make_interval(
      months => (floor(((extract(year from local) - 2000) * 12 + extract(month from local) - 1) / months) * months)::integer
    )
    else date_bin(make_interval(hours => hours), local, timestamp '2000-01-03')
  end as result
$start$;
