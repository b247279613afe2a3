-- The first instant at which a local time is reached in a time zone, also if that time is skipped or repeated there.
-- since: core.1.2.0
create or replace function qicore.local_start(local timestamp, zone text)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  edge timestamptz := local at time zone zone;
begin
  if (edge - interval '1 microsecond') at time zone zone < local and edge at time zone zone >= local then
    return edge;
  end if;
  -- It is repeated (midnight in Havana): the first one has the offset of the day before.
  edge := (local - ((edge - interval '1 day') at time zone zone - (edge - interval '1 day') at time zone 'UTC')) at time zone 'UTC';
  if edge at time zone zone >= local and (edge - interval '1 microsecond') at time zone zone < local then
    return edge;
  end if;
  -- It is skipped (midnight in Toronto, 1919): the first instant after the gap.
  edge := local at time zone zone;
  return (
    select coalesce(min(t), edge) from generate_series(edge - interval '1 day', edge, interval '1 minute') t
    where t at time zone zone >= local and (t - interval '1 microsecond') at time zone zone < local
  );
end
$$;
