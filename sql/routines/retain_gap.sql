-- The first aggregate over a table, or over such an aggregate, that lacks something of a range as the rows stand now, in
-- whole buckets; null where there is none. By TimescaleDB's own logs: rows that changed since they were computed, what
-- was never computed, and refreshes that were broken off. Of a table of ours: what is not recorded as computed, and
-- what computing it again would change. A bucket of an indirect aggregate that is not complete yet need not be there.
-- What cannot be read, or cannot be told, counts as not covered.
create function qicore.retain_gap(subject regclass, column_type regtype, low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
  microsecond constant interval := '1 microsecond';
  over record;
  edge record;
  since bigint;
  until bigint;
  window_start timestamptz;
  window_end timestamptz;
  gaps int8multirange;
  gap int8range;
  stale boolean;
  kept boolean;
  integers constant boolean := column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype);
  -- From 2.28 on drop_chunks can be told not to invalidate what it drops.
  invalidates constant boolean := current_setting('timescaledb.skip_cagg_invalidation', true) is null;
  unfinished constant boolean := to_regclass('_timescaledb_catalog.continuous_aggs_materialization_ranges') is not null;
begin
  for over in
    with recursive above as (
      select a.*, 1 as level from qicore.aggregates a where to_regclass(a.source) = subject
      union all
      select a.*, b.level + 1 from above b join qicore.aggregates a on to_regclass(a.source) = to_regclass(b.view)
    )
    select * from above order by level, view
  loop
    if to_regclass(over.data) is null or to_regproc(over.query) is null then
      return format('%s: its table or its function is missing', over.view);
    elsif integers then
      return format('%s: whether it has covered integer time cannot be told', over.view);
    elsif low = -9223372036854775808 or high = 9223372036854775807 then
      return format('%s has not covered a range without an end', over.view);
    end if;
    window_start := case when over.bucket = interval '1 month' then date_trunc('month', epoch + low * microsecond)
      else date_bin(over.bucket, epoch + low * microsecond, '2000-01-03 00:00:00+00') end;
    window_end := case when over.bucket = interval '1 month' then date_trunc('month', epoch + (high - 1) * microsecond)
      else date_bin(over.bucket, epoch + (high - 1) * microsecond, '2000-01-03 00:00:00+00') end + over.bucket;
    if over.level > 1 then
      window_end := least(window_end, case when over.bucket = interval '1 month' then date_trunc('month', epoch + present * microsecond)
        else date_bin(over.bucket, epoch + present * microsecond, '2000-01-03 00:00:00+00') end);
    end if;
    continue when window_start >= window_end;
    if not over.covered @> tstzrange(window_start, window_end) then
      return format('%s has not covered %s', over.view, (tstzmultirange(tstzrange(window_start, window_end)) - over.covered)::text);
    end if;
    execute format('select exists ((select * from %1$s where bucket >= $1 and bucket < $2 except all select * from %2$s($1, $2))
      union all (select * from %2$s($1, $2) except all select * from %1$s where bucket >= $1 and bucket < $2))', to_regclass(over.data), to_regproc(over.query))
    into stale using window_start, window_end;
    if stale and window_start < epoch + low * microsecond and not exists (
      select from qicore.retain_pieces(subject, low) p where p.low < retain_gap.low and p.high > (extract(epoch from window_start) * 1000000)::bigint
    ) then
      return format('rows of the bucket of %s from %s were dropped before: whether it has seen the rest cannot be told', over.view, window_start);
    elsif stale then
      return format('rows changed after %s computed %s to %s', over.view, window_start, window_end);
    end if;
  end loop;
  if not exists (select from pg_extension where extname = 'timescaledb') then
    return null;
  end if;

  for over in
    with recursive above as (
      select c.*, 1 as level, subject as below from _timescaledb_catalog.continuous_agg c
      join _timescaledb_catalog.hypertable h on h.id = c.raw_hypertable_id
      left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
      where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
      union all
      select c.*, b.level + 1, to_regclass(format('%I.%I', b.user_view_schema, b.user_view_name)) from above b join _timescaledb_catalog.continuous_agg c on c.raw_hypertable_id = b.mat_hypertable_id
    )
    select a.mat_hypertable_id as id, a.raw_hypertable_id as source, a.below, a.level, w.watermark, format('%I.%I', a.user_view_schema, a.user_view_name) as view,
      format('%I.%I', m.schema_name, m.table_name) as stored, d.column_name as bucket_column, d.column_type as bucket_type, to_jsonb(v) ->> 'invalidate_using' as collects
    from above a
    join _timescaledb_catalog.hypertable m on m.id = a.mat_hypertable_id
    join _timescaledb_catalog.dimension d on d.hypertable_id = m.id
    join timescaledb_information.continuous_aggregates v on v.view_schema = a.user_view_schema and v.view_name = a.user_view_name
    left join _timescaledb_catalog.continuous_aggs_watermark w on w.mat_hypertable_id = a.mat_hypertable_id
    order by a.level, view
  loop
    select * into edge from qicore.retain_bucket(over.id, column_type, low);
    since := edge.floor;
    -- A bucket that drop_chunks has taken rows from is invalid ever after, and is not computed again without losing
    -- them. It counts as it is, unless somebody has written to what is left of it.
    if invalidates and edge.floor < low and over.watermark >= edge.ceil
      and not exists (select from qicore.retain_pieces(over.below, low) p where p.low < retain_gap.low)
      and not exists (
        select from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log r
        where r.hypertable_id = over.source and r.lowest_modified_value < edge.ceil and r.greatest_modified_value > retain_gap.low
      )
    then
      execute format('select exists (select from %s where %I < %s)', over.stored, over.bucket_column, qicore.retain_literal(over.bucket_type, edge.floor)) into kept;
      if kept then
        since := edge.ceil;
      end if;
    end if;
    select b.ceil into until from qicore.retain_bucket(over.id, column_type, high) b;
    if over.level > 1 then
      select least(until, b.floor) into until from qicore.retain_bucket(over.id, column_type, present) b;
    end if;
    continue when since >= until;
    if over.collects <> 'trigger' then
      return format('%s learns of changes from the WAL, where nobody can look for them', over.view);
    end if;
    select range_agg(int8range(l.first, least(l.last, 9223372036854775806), '[]') * int8range(since, until)) into gaps
    from (
      select r.lowest_modified_value as first, r.greatest_modified_value as last
      from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log r where r.hypertable_id = over.source
      union all
      select m.lowest_modified_value, m.greatest_modified_value
      from _timescaledb_catalog.continuous_aggs_materialization_invalidation_log m where m.materialization_id = over.id
    ) l
    where l.first <= l.last and l.first < until and l.last >= since;
    if unfinished and (gaps is null or isempty(gaps)) then
      execute 'select range_agg(int8range(m.lowest_modified_value, m.greatest_modified_value))
        from _timescaledb_catalog.continuous_aggs_materialization_ranges m
        where m.materialization_id = $1 and m.lowest_modified_value < m.greatest_modified_value and m.lowest_modified_value < $3 and m.greatest_modified_value > $2'
      into gaps using over.id, since, until;
    end if;
    continue when gaps is null or isempty(gaps);
    gap := int8range(lower(gaps), upper((select r from unnest(gaps) r order by r limit 1)));
    if integers then
      return format('%s has not covered %s to %s', over.view, lower(gap), upper(gap));
    end if;
    return format('%s has not covered %s to %s', over.view, epoch + lower(gap) * microsecond, epoch + upper(gap) * microsecond);
  end loop;
  return null;
end
$$;
