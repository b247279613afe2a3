-- The first aggregate over a table, or over such an aggregate, that lacks something of a range as the rows stand now, in
-- whole buckets, and what can be done about it; null where there is none. What is covered is decided by qicore.coverage,
-- and by qicore.own_coverage for aggregates that are tables of ours: of these, what is recorded as computed is computed
-- again and compared. What cannot be read, or cannot be known, counts as not covered.
-- since: core.1.3.0
create or replace function qicore.retain_gap(subject regclass, column_type regtype, low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
  microsecond constant interval := '1 microsecond';
  integers constant boolean := column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype);
  program constant text := 'qicore-db';
  hypertable integer;
  over record;
  whole record;
  gap int8range;
  window_start timestamptz;
  window_end timestamptz;
  stale boolean;
  stored text;
  -- Whether rows between the begin of the first bucket and the range are no longer there.
  lost boolean;
begin
  for over in select c.* from qicore.own_coverage(subject::text, array[low], array[high], present) c order by c.level, c.view loop
    if over.data is null or over.query is null then
      return format('%I.%I: its table or its function is missing', over.schema, over.view);
    elsif integers then
      return format('%I.%I: it is not known whether it has covered integer time', over.schema, over.view);
    elsif low = -9223372036854775808 or high = 9223372036854775807 then
      return format('%I.%I has not covered a range without an end', over.schema, over.view);
    end if;
    continue when over.since::bigint >= over.until::bigint;
    window_start := epoch + over.since::bigint * microsecond;
    window_end := epoch + over.until::bigint * microsecond;
    if over.gaps <> '{}' then
      gap := (select r from unnest(over.gaps::int8multirange) r order by r limit 1);
      return format('%I.%I has not covered %s to %s', over.schema, over.view, epoch + lower(gap) * microsecond, epoch + upper(gap) * microsecond);
    end if;
    execute format('select exists ((select * from %1$s where bucket >= $1 and bucket < $2 except all select * from %2$s($1, $2))
      union all (select * from %2$s($1, $2) except all select * from %1$s where bucket >= $1 and bucket < $2))', over.data, over.query)
    into stale using window_start, window_end;
    lost := stale and over.since::bigint < low
      and not exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > over.since::bigint);
    if lost then
      return format('rows of the bucket of %I.%I from %s were dropped before: it is not known whether it has seen the rest', over.schema, over.view, window_start);
    elsif stale then
      return format('rows changed after %I.%I computed %s to %s', over.schema, over.view, window_start, window_end);
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
  select c.* into over from qicore.coverage(hypertable, array[low], array[high], present) c
  where not isempty(c.gaps) order by c.level, c.view limit 1;
  if not found then
    return null;
  elsif over.blind then
    return format('%s learns of changes from the WAL, which cannot be checked here', over.view);
  elsif over.folded then
    return format('the range ends inside of an hour that clocks repeat, whose rows %s mixes before TimescaleDB 2.25', over.view);
  end if;
  gap := (select r from unnest(over.gaps) r order by r limit 1);
  -- In whole buckets, as a refresh takes them.
  select c.since, c.until into whole from qicore.coverage(hypertable, array[lower(gap)], array[upper(gap)], null) c where c.id = over.id;
  lost := over.cut and whole.since < low
    and not exists (select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > whole.since);
  if lost then
    -- Before the first chunk there may never have been any: then the aggregate has nothing to lose.
    select format('select exists (select 1 from %I.%I where %I >= %s and %I < %s)', h.schema_name, h.table_name,
      d.column_name, qicore.retain_literal(d.column_type, whole.since), d.column_name, qicore.retain_literal(d.column_type, whole.until))
    into strict stored
    from _timescaledb_catalog.hypertable h join _timescaledb_catalog.dimension d on d.hypertable_id = h.id
    where h.id = over.id order by d.id limit 1;
    execute stored into lost;
  end if;
  if integers and lost then
    return format('%s may not have counted all rows of its bucket %s to %s, and rows of that bucket were dropped before', over.view, whole.since, whole.until);
  elsif integers then
    return format('%s has not covered %s to %s', over.view, whole.since, whole.until);
  end if;
  window_start := epoch + whole.since * microsecond;
  window_end := epoch + whole.until * microsecond;
  if lost then
    -- A refresh would give the bucket without the rows that are gone; which of the two losses is the smaller is not known here.
    return format('%s may not have counted all rows of its bucket %s to %s, and rows of that bucket were dropped before. '
      'To compute it from the rows that are left: `%s aggregates refresh %s --from %s --to %s --accept-loss`. '
      'To keep it and drop the rows: `%s chunks drop %s --older-than %s --accept-loss`',
      over.view, window_start, window_end, program, over.view, to_char(window_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      program, subject, to_char(window_end, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
  end if;
  return format('%s has not covered %s to %s', over.view, window_start, window_end);
end
$$;
