-- Recomputes the whole buckets inside a window of an emulated aggregate, and advances its watermark. Returns the number
-- of rows that the window has afterwards. Rows outside of the window are not changed, so buckets whose source rows were
-- dropped are kept. Works without TimescaleDB.
-- since: core.1.2.0
create or replace function qicore.refresh_aggregate(aggregate regclass, window_start timestamptz, window_end timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
-- Fails if row level security would hide rows of the source, instead of computing without them.
set row_security = off
as $$
declare
  known qicore.aggregates;
  origin constant timestamptz := '2000-01-03 00:00:00+00';
  first_bucket timestamptz;
  last_bucket timestamptz;
  result bigint;
begin
  -- The row lock makes two refreshes of one aggregate run one after the other.
  select a.* into known from qicore.aggregates a where to_regclass(a.view) = aggregate for update;
  if not found then
    raise exception using errcode = '42809', message = format('%s is not an emulated aggregate', aggregate);
  end if;
  if window_start is null or window_end is null or not isfinite(window_start) or not isfinite(window_end) then
    raise exception using errcode = '22023', message = format('a refresh of %s needs a window with a finite start and end', aggregate);
  end if;
  if known.bucket = interval '1 month' then
    first_bucket := date_trunc('month', window_start);
    last_bucket := date_trunc('month', window_end);
  else
    first_bucket := date_bin(known.bucket, window_start, origin);
    last_bucket := date_bin(known.bucket, window_end, origin);
  end if;
  if first_bucket < window_start then
    first_bucket := first_bucket + known.bucket;
  end if;
  if first_bucket >= last_bucket then
    raise exception using errcode = '22023',
      message = format('the window of %s from %s to %s contains no whole bucket of %s', aggregate, window_start, window_end, known.bucket);
  end if;
  execute format('delete from %s where bucket >= $1 and bucket < $2', known.data) using first_bucket, last_bucket;
  execute format('insert into %s select * from %s($1, $2)', known.data, known.query) using first_bucket, last_bucket;
  get diagnostics result = row_count;
  update qicore.aggregates a
  set watermark = greatest(a.watermark, last_bucket),
    covered = a.covered + tstzmultirange(tstzrange(first_bucket, last_bucket)),
    refreshed_at = clock_timestamp()
  where a.view = known.view;
  return result;
end
$$;
