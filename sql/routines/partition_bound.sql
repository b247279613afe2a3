-- The text of a bound of a key (see qicore.partition_key) at an instant. A timestamp or date is local time, given as if
-- it were UTC.
-- since: core.1.2.0
create or replace function qicore.partition_bound(key text, at timestamptz)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  micros numeric := extract(epoch from at) * 1000000;
  millis bigint;
begin
  case key
    when 'timestamptz' then return at::text;
    when 'timestamp' then return (at at time zone 'UTC')::text;
    when 'date' then
      if at <> date_trunc('day', at) then
        raise exception using errcode = '22023', message = format('a date cannot be the bound %s', at);
      end if;
      return (at at time zone 'UTC')::date::text;
    when 's' then return ceil(micros / 1000000)::text;
    when 'ms' then return ceil(micros / 1000)::text;
    when 'us' then return trunc(micros)::text;
    when 'ns' then return trunc(micros * 1000)::text;
    else
      millis := ceil(micros / 1000)::bigint;
  end case;
  if millis < 0 or millis >= 281474976710656 then
    raise exception using errcode = '22008', message = format('%s cannot be stored in 48 bits of milliseconds', at);
  end if;
  if key = 'uuid' then
    return (lpad(to_hex(millis), 12, '0') || repeat('0', 20))::uuid::text;
  end if;
  return (
    select string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((millis >> (45 - 5 * n)) & 31)::integer + 1, 1), '' order by n) || repeat('0', 16)
    from generate_series(0, 9) n
  );
end
$$;
