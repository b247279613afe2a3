-- The bucket of a continuous aggregate that a point lies in, asked of time_bucket itself as the aggregate was made: its
-- begin, and the first begin of a bucket that is not before the point.
create function qicore.retain_bucket(mat_hypertable integer, column_type regtype, point bigint, out floor bigint, out ceil bigint)
language plpgsql
stable
as $$
declare
  bucket record;
  extension_schema name;
  integers constant boolean := column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype);
  type text := column_type::text;
  typed text := '(%s)';
  width text;
  at text;
  call text;
begin
  select n.nspname into extension_schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
  select b.bucket_width as width, b.bucket_origin as origin, b.bucket_offset as shift, b.bucket_timezone as zone into strict bucket
  from _timescaledb_catalog.continuous_aggs_bucket_function b where b.mat_hypertable_id = mat_hypertable;
  if integers then
    width := format('%L::bigint', bucket.width);
    at := format('%L::bigint', point);
    call := format('%I.time_bucket(%s, %%s, %L::bigint)', extension_schema, width, coalesce(bucket.shift, '0'));
  else
    if bucket.zone is not null or column_type = 'uuid'::regtype then
      type := 'timestamptz';
    elsif column_type <> 'timestamptz'::regtype then
      typed := '((%s) at time zone ''UTC'')::' || type;
    end if;
    width := format('%L::interval', bucket.width);
    at := format(typed, format('timestamptz ''1970-01-01 00:00:00+00'' + %L::bigint * interval ''1 microsecond''', point));
    call := format('%I.time_bucket(%s, (%%s)::%s', extension_schema, width, type);
    if bucket.zone is not null then
      -- NULL where there is none: %L writes it so.
      call := call || format(', %L::text, %L::timestamptz, %L::interval', bucket.zone, bucket.origin, bucket.shift);
    else
      call := call || case when bucket.origin is null then '' else ', ' || format(typed, quote_literal(bucket.origin) || '::timestamptz') end
        || case when bucket.shift is null then '' else format(', %L::interval', bucket.shift) end;
    end if;
    call := call || ')';
  end if;
  -- A width later is in the next bucket, but where a change of the clock makes this one longer.
  execute format('select %s, %s from (select %s as at) as p cross join lateral (select %s as low) as l
    cross join lateral (select %s as next, %s as later) as n',
    format(case when integers then '%s' else '(extract(epoch from %s) * 1000000)::bigint' end, 'l.low'),
    format(case when integers then '%s' else '(extract(epoch from %s) * 1000000)::bigint' end, '(case when l.low = p.at then l.low when n.next > l.low then n.next else n.later end)'),
    at, format(call, 'p.at'), format(call, 'l.low + ' || width), format(call, format('l.low + %s + %s / 2', width, width)))
  into floor, ceil;
end
$$;
