-- The first instant at which a local time is reached in a time zone, also if that time is skipped or repeated there. The
-- text between the tags is the only definition: src/catalog/calendar-sql.ts puts it into the queries of periods, which
-- also run in databases without this routine.
-- since: core.1.2.0
create or replace function qicore.local_start(local timestamp, zone text)
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $start$
  select coalesce(
    case when usual.at at time zone zone >= local and (usual.at - interval '1 microsecond') at time zone zone < local then usual.at end,
    -- It is repeated (midnight in Havana): the first one has the offset of the day before.
    case when earlier.at at time zone zone >= local and (earlier.at - interval '1 microsecond') at time zone zone < local then earlier.at end,
    -- It is skipped (midnight in Toronto, 1919): the first instant after the gap.
    (select min(t) from generate_series(usual.at - interval '1 day', usual.at, interval '1 minute') as t
     where t at time zone zone >= local and (t - interval '1 microsecond') at time zone zone < local),
    usual.at
  ) as result
  from (select local at time zone zone as at) as usual
  cross join lateral (
    select (local - (((usual.at - interval '1 day') at time zone zone) - ((usual.at - interval '1 day') at time zone 'UTC'))) at time zone 'UTC' as at
  ) as earlier
$start$;
