-- The instant of the text of a bound, rounded down; infinite for MINVALUE and MAXVALUE; null if the text is no time. The
-- inverse of qicore.partition_bound.
-- since: core.1.2.0
create or replace function qicore.partition_point(key text, bound text)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  epoch timestamptz := '1970-01-01 00:00:00+00';
begin
  if bound = 'MINVALUE' then return '-infinity'; end if;
  if bound = 'MAXVALUE' then return 'infinity'; end if;
  if key in ('timestamptz', 'timestamp', 'date') then return bound::timestamptz; end if;
  if key = 'uuid' then
    return epoch + ('x' || left(replace(bound, '-', ''), 12))::bit(48)::bigint * interval '1 millisecond';
  end if;
  if key = 'ulid' then
    if bound !~ '^[0-7][0-9A-HJKMNP-TV-Z]{9}' then return null; end if;
    return epoch + (
      select sum((strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(bound, n + 1, 1)) - 1)::bigint << (45 - 5 * n))::bigint from generate_series(0, 9) n
    ) * interval '1 millisecond';
  end if;
  return epoch + trunc(bound::numeric * case key when 's' then 1000000 when 'ms' then 1000 when 'us' then 1 else 0.001 end)::bigint * interval '1 microsecond';
end
$$;
