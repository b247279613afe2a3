-- Returns why a range is not covered: the first aggregate over the table, or over such an aggregate, that has not
-- computed some of its whole buckets from the current rows, and how to continue. Null if every aggregate has.
-- qicore.coverage decides, and for emulated aggregates qicore.own_coverage: the buckets that these recorded as computed
-- are computed again and compared. So are those of TimescaleDB's aggregates whose logs cannot be relied on
-- (qicore.retain_difference). What cannot be read or is not known counts as not covered.
-- since: core.1.3.0
-- requires: retain_difference
create or replace function qicore.retain_gap(subject regclass, column_type regtype, low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
  microsecond constant interval := '1 microsecond';
  is_integer constant boolean := column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype);
  program constant text := 'qicore-db';
  hypertable integer;
  aggregate record;
  bucket_range record;
  gap int8range;
  window_start timestamptz;
  window_end timestamptz;
  stale boolean;
  rows_query text;
  -- Whether rows between the start of the first bucket and the range were dropped.
  lost boolean;
begin
  for aggregate in select c.* from qicore.own_coverage(subject::text, array[low], array[high], present) c order by c.level, c.view loop
    if aggregate.data is null or aggregate.query is null then
      return format('coverage of %I.%I is not known: its table or its function does not exist', aggregate.schema, aggregate.view);
    elsif is_integer then
      return format('coverage of %I.%I is not known: the table has integer time', aggregate.schema, aggregate.view);
    elsif low = -9223372036854775808 or high = 9223372036854775807 then
      return format('%I.%I has not covered the range, which has an open end', aggregate.schema, aggregate.view);
    end if;
    continue when aggregate.since::bigint >= aggregate.until::bigint;
    window_start := epoch + aggregate.since::bigint * microsecond;
    window_end := epoch + aggregate.until::bigint * microsecond;
    if aggregate.gaps <> '{}' then
      gap := (select r from unnest(aggregate.gaps::int8multirange) r order by r limit 1);
      return format('%I.%I has not covered %s to %s', aggregate.schema, aggregate.view, epoch + lower(gap) * microsecond, epoch + upper(gap) * microsecond);
    end if;
    execute format('select exists ((select * from %1$s where bucket >= $1 and bucket < $2 except all select * from %2$s($1, $2))
      union all (select * from %2$s($1, $2) except all select * from %1$s where bucket >= $1 and bucket < $2))', aggregate.data, aggregate.query)
    into stale using window_start, window_end;
    lost := stale and aggregate.since::bigint < low
      and not exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > aggregate.since::bigint);
    if lost then
      return format('rows of the bucket of %I.%I from %s were dropped before: whether it has covered the others is not known', aggregate.schema, aggregate.view, window_start);
    elsif stale then
      return format('%I.%I has not covered %s to %s: rows changed after they were computed', aggregate.schema, aggregate.view, window_start, window_end);
    end if;
  end loop;
  if not exists (select from pg_extension where extname = 'timescaledb') then
    return null;
  end if;

  select h.id into hypertable
  from _timescaledb_catalog.hypertable h
  left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
  join pg_namespace n on n.nspname = coalesce(a.user_view_schema, h.schema_name)
  join pg_class c on c.relnamespace = n.oid and c.relname = coalesce(a.user_view_name, h.table_name)
  where c.oid = subject;
  select c.* into aggregate from qicore.coverage(hypertable, array[low], array[high], present) c
  where not isempty(c.gaps) order by c.level, c.view limit 1;
  if not found then
    return qicore.retain_difference(subject, hypertable, low, high);
  elsif aggregate.blind then
    return format('%s reads changes from the WAL at its next refresh, so it is not known what changed since', aggregate.view);
  elsif aggregate.folded then
    return format('%s has not covered the range, which begins or ends inside an hour that a clock change repeats: time_bucket with a time zone mixes the rows of both hours before TimescaleDB 2.25', aggregate.view);
  end if;
  gap := (select r from unnest(aggregate.gaps) r order by r limit 1);
  -- Widened to whole buckets, as in a refresh.
  select c.since, c.until into bucket_range from qicore.coverage(hypertable, array[lower(gap)], array[upper(gap)], null) c where c.id = aggregate.id;
  lost := aggregate.cut and bucket_range.since < low
    and not exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > bucket_range.since);
  if lost then
    -- Before the first chunk there may never have been rows: then the aggregate has none of them to lose.
    select format('select exists (select 1 from %I.%I where %I >= %s and %I < %s)', h.schema_name, h.table_name,
      d.column_name, qicore.retain_literal(d.column_type, bucket_range.since), d.column_name, qicore.retain_literal(d.column_type, bucket_range.until))
    into strict rows_query
    from _timescaledb_catalog.hypertable h join _timescaledb_catalog.dimension d on d.hypertable_id = h.id
    where h.id = aggregate.id order by d.id limit 1;
    execute rows_query into lost;
  end if;
  if is_integer and lost then
    return format('%s may not have counted all rows of its bucket %s to %s, and other rows of the bucket were dropped before', aggregate.view, bucket_range.since, bucket_range.until);
  elsif is_integer then
    return format('%s has not covered %s to %s', aggregate.view, bucket_range.since, bucket_range.until);
  end if;
  window_start := epoch + bucket_range.since * microsecond;
  window_end := epoch + bucket_range.until * microsecond;
  if lost then
    -- A refresh loses the dropped rows from the bucket, no refresh loses the late ones: the operator has to choose.
    return format('%s may not have counted all rows of its bucket %s to %s, and other rows of the bucket were dropped before. '
      'To compute the bucket from the remaining rows: `%s aggregates refresh %s --from %s --to %s --accept-loss`. '
      'To keep the bucket and drop the rows: `%s chunks drop %s --older-than %s --accept-loss`',
      aggregate.view, window_start, window_end, program, aggregate.view, to_char(window_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      program, subject, to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
  end if;
  return format('%s has not covered %s to %s', aggregate.view, window_start, window_end);
end
$$;
