-- version: 1.3.0
-- description: Gated retention: what was agreed to, and only what every aggregate has covered

-- What every transaction of qicore.retain begins with; gone with its end, so that nothing sticks to a session.
create function qicore.retain_settings()
returns void
language sql
as $$
  select
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config('timezone', 'UTC', true),
    pg_catalog.set_config('datestyle', 'ISO, YMD', true),
    -- Dropping takes ACCESS EXCLUSIVE: whoever comes while it waits queues behind it.
    pg_catalog.set_config('lock_timeout', '500ms', true)
$$;

-- What was agreed to when a retention was applied, as a hash: the object and everything that decides what is dropped.
-- Whoever changes one of them afterwards has a declaration that nobody has agreed to.
create function qicore.retention_hash(object text, config jsonb)
returns text
language sql
immutable
as $$
  select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    pg_catalog.jsonb_build_array(object, config -> 'after', config -> 'maxDropPerRun', config -> 'timeUnit')::text, 'UTF8'
  )), 'hex')
$$;

-- A point on a table's scale as a constant of the type of its column.
create function qicore.retain_literal(column_type regtype, point bigint)
returns text
language sql
stable
as $$
  select case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then pg_catalog.format('%L::%s', point, column_type)
    -- A version 7 UUID begins with its milliseconds.
    when column_type = 'uuid'::regtype then pg_catalog.format('%L::uuid',
      pg_catalog.lpad(pg_catalog.to_hex(point / 1000), 12, '0') || '00000000000000000000')
    else pg_catalog.format('%L::%s', (timestamptz '1970-01-01 00:00:00+00' + point * interval '1 microsecond') at time zone 'UTC',
      case column_type when 'timestamptz'::regtype then 'timestamp at time zone ''UTC''' else column_type::text end)
  end
$$;

-- Where a table stands on its own scale of time: microseconds since 1970, or the integers of its column. `cutoff` is
-- what the retention comes to just now, `future` a day from now: rows beyond that are no sign of a feed that lives.
create function qicore.retain_scale(
  subject regclass, policy jsonb,
  out column_name name, out column_type regtype, out now bigint, out cutoff bigint, out cutoff_sql text, out future_sql text, out cutoff_text text
)
language plpgsql
as $$
declare
  after constant interval := (policy ->> 'after')::interval;
  factor constant numeric := case policy ->> 'timeUnit' when 's' then 1 when 'ms' then 1000 when 'us' then 1000000 when 'ns' then 1000000000 end;
  clock_schema name;
  clock name;
  owner name;
  role_before constant text := current_setting('role');
  future bigint;
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
begin
  if after is null or after <= interval '0' then
    raise exception using errcode = '22023', message = format('%s: "%s" is no age for a retention', subject, policy ->> 'after');
  end if;
  if exists (select from pg_extension where extname = 'timescaledb') then
    select d.column_name, d.column_type, d.integer_now_func_schema, d.integer_now_func into column_name, column_type, clock_schema, clock
    from _timescaledb_catalog.hypertable h
    join _timescaledb_catalog.dimension d on d.hypertable_id = h.id
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
    order by d.id limit 1;
  end if;
  if column_name is null then
    select a.attname, a.atttypid into column_name, column_type
    from pg_partitioned_table p join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = subject and p.partstrat = 'r' and p.partnatts = 1;
  end if;
  if column_name is null then
    raise exception using errcode = '42809', message = format('%s is no hypertable, no continuous aggregate and not partitioned by range of one column', subject);
  end if;
  if column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then
    if factor is null then
      raise exception using errcode = '22023', message = format('%s has integers for times, and nobody said what one is (timeUnit)', subject);
    end if;
    if clock is null then
      now := floor(extract(epoch from clock_timestamp()) * factor);
    else
      -- Somebody else's function is not lent the rights of a superuser.
      select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
      if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
        perform set_config('role', owner, true);
      end if;
      execute format('select %I.%I()::bigint', clock_schema, clock) into now;
      perform set_config('role', role_before, true);
    end if;
    cutoff := now - floor(extract(epoch from after) * factor);
    future := now + floor(86400 * factor);
    cutoff_sql := format('%L::%s', cutoff, column_type);
    future_sql := format('%L::bigint', future);
    cutoff_text := cutoff::text;
  elsif column_type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'uuid'::regtype) then
    now := extract(epoch from clock_timestamp()) * 1000000;
    cutoff := extract(epoch from clock_timestamp() - after) * 1000000;
    cutoff_text := (epoch + cutoff * interval '1 microsecond')::text;
    cutoff_sql := qicore.retain_literal(column_type, cutoff);
    future_sql := qicore.retain_literal(column_type, now + 86400000000);
  else
    raise exception using errcode = '42809', message = format('%s has no times in %I, but %s', subject, column_name, format_type(column_type, null));
  end if;
end
$$;

-- The ranges of a table with their chunks (one, or one for each space partition) or their partition. `old`: the whole
-- range lies before the cutoff; `newest`: nothing begins later. Without the chunks that are nobody's to change: frozen
-- ones, and what is tiered to object storage.
create function qicore.retain_pieces(subject regclass, cutoff bigint)
returns table (low bigint, high bigint, label text, relations text[], old boolean, newest boolean)
language plpgsql
as $$
begin
  if exists (select from pg_partitioned_table where partrelid = subject) then
    return query
    with child as (
      select format('%I.%I', n.nspname, c.relname) as name,
        -- With a relation, pg_get_expr would wait for a lock on it.
        regexp_match(pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \(''?([^'']*)''?\) TO \(''?([^'']*)''?\)$') as bound,
        (select k.atttypid from pg_partitioned_table p join pg_attribute k on k.attrelid = p.partrelid and k.attnum = p.partattrs[0] where p.partrelid = subject) as type
      from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
      where i.inhparent = subject and not i.inhdetachpending
    ), ranged as (
      select name, bound,
        case
          when bound[1] = 'MINVALUE' then -9223372036854775808
          when type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then bound[1]::bigint
          else (extract(epoch from bound[1]::timestamptz) * 1000000)::bigint
        end as low,
        case
          when bound[2] = 'MAXVALUE' then 9223372036854775807
          when type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then bound[2]::bigint
          else (extract(epoch from bound[2]::timestamptz) * 1000000)::bigint
        end as high
      from child where bound is not null
    )
    select r.low, r.high, r.bound[1] || ' to ' || r.bound[2], array[r.name], r.high <= cutoff, r.low = max(r.low) over ()
    from ranged r;
    return;
  end if;
  return query
  with source as (
    select h.id, h.schema_name, h.table_name
    from _timescaledb_catalog.hypertable h
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
  ), locked as (
    -- Up to 2.28 a chunk has its names there, from 2.29 on its relation.
    select coalesce(c.as_json ->> 'relid', format('%I.%I', c.as_json ->> 'schema_name', c.as_json ->> 'table_name')) as name
    from source s
    cross join lateral (select to_jsonb(k) as as_json from _timescaledb_catalog.chunk k where k.hypertable_id = s.id and (k.status & 4 > 0 or k.osm_chunk)) c
  ), ranged as (
    select format('%I.%I', c.chunk_schema, c.chunk_name) as name,
      coalesce(c.range_start_integer, (extract(epoch from c.range_start) * 1000000)::bigint) as low,
      coalesce(c.range_end_integer, (extract(epoch from c.range_end) * 1000000)::bigint) as high,
      coalesce(c.range_start_integer::text, c.range_start::text) || ' to ' || coalesce(c.range_end_integer::text, c.range_end::text) as label
    from source s join timescaledb_information.chunks c on c.hypertable_schema = s.schema_name and c.hypertable_name = s.table_name
  )
  select r.low, r.high, min(r.label), array_agg(r.name order by r.name), r.high <= cutoff, r.low = max(r.low) over ()
  from ranged r
  where r.name not in (select l.name from locked l)
  group by r.low, r.high;
end
$$;

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

-- Why the chunks of one range, or a partition, must not be dropped now; null where nothing speaks against it. Either the
-- first aggregate over the table, or over such an aggregate, that has not covered the range, with what it lacks; or a
-- foreign key, which TimescaleDB would drop together with the chunk that it leads to (PostgreSQL refuses by itself).
-- Where a partition holds rows in a part of its range only, that part counts.
create function qicore.retain_obstacle(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  partitioned constant boolean := exists (select from pg_partitioned_table where partrelid = subject);
  reason text;
  first_row bigint;
  last_row bigint;
  point text;
begin
  if not partitioned then
    select format('foreign key %I of %s leads to it, and would be dropped with it', k.conname, k.conrelid::regclass) into reason
    from pg_constraint k where k.confrelid = subject and k.contype = 'f' order by k.conname limit 1;
    if reason is not null then
      return reason;
    end if;
  end if;
  reason := qicore.retain_gap(subject, column_type, low, high, present);
  if reason is null or not partitioned then
    return reason;
  end if;
  point := case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then '%s::bigint'
    else '(extract(epoch from %s::timestamptz) * 1000000)::bigint'
  end;
  execute format('select (select %s from %s order by %I limit 1), (select %s from %s order by %I desc limit 1)',
    format(point, quote_ident(column_name)), relations[1], column_name, format(point, quote_ident(column_name)), relations[1], column_name)
  into first_row, last_row;
  if first_row is null then
    return null;
  end if;
  return qicore.retain_gap(subject, column_type, greatest(low, first_row), least(high, last_row + 1), present);
end
$$;

-- Drops one chunk or partition of a table. TimescaleDB's drop_chunks writes down that what it dropped has changed, with
-- one microsecond too many: a later refresh then erases what the aggregates know of it, and the next chunk never counts
-- as covered. Dropping a chunk by its name does neither, in every version from 2.15; but up to 2.28 it asks nobody's
-- rights, so that is done here.
create function qicore.retain_drop(subject regclass, relation text, low_sql text, high_sql text)
returns void
language plpgsql
as $$
declare
  extension_schema name;
  owner name;
  role_before constant text := current_setting('role');
begin
  select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
  if not pg_has_role(current_user, owner, 'usage') then
    raise exception using errcode = '42501', message = format('must be owner of %s', subject);
  end if;
  -- What runs on a drop (event triggers) is not lent the rights of a superuser.
  if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
    perform set_config('role', owner, true);
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    execute format('drop table if exists %s', relation);
  elsif to_regclass(relation) is null then
    -- Somebody else has dropped it: as good as dropped.
    null;
  elsif to_regprocedure('_timescaledb_functions.drop_chunk(regclass)') is not null then
    execute format('select _timescaledb_functions.drop_chunk(%L::regclass)', relation);
  else
    select n.nspname into extension_schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
    execute format('select count(*) from %I.drop_chunks(%L::regclass, older_than => %s, newer_than => %s)', extension_schema, subject, high_sql, low_sql);
  end if;
  perform set_config('role', role_before, true);
  if to_regclass(relation) is not null then
    raise exception using errcode = '55000', message = format('%s is still there after it was dropped', relation);
  end if;
end
$$;

-- Drops the chunks of one range together, or a partition, if nothing speaks against it. Gives what does, and null where
-- they are gone. Asked twice: without a lock first, so that what cannot be dropped disturbs nobody, then with the lock
-- that the drop needs, since what is committed between an answer and the drop would be lost unseen.
-- One range at a time: with one of its chunks gone, the next refresh of a late row in another would compute the bucket
-- from what is left.
create function qicore.retain_range(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  reason text;
begin
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is not null then
    return reason;
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    -- Against writers only, also of its own partitions: dropping it locks the parent first, and who reads through the
    -- parent and waited here would wait for us as we for him.
    execute format('lock table %s in exclusive mode', relations[1]);
  else
    execute format('lock table only %s in access exclusive mode', array_to_string(relations, ', only '));
  end if;
  reason := qicore.retain_obstacle(subject, column_name, column_type, relations, low, high, present);
  if reason is null then
    perform qicore.retain_drop(subject, relation, qicore.retain_literal(column_type, low), qicore.retain_literal(column_type, high))
    from unnest(relations) as relation;
  end if;
  return reason;
end
$$;

-- Gated retention of one table, as a job of TimescaleDB's own scheduler, of pg_cron or of ours:
-- CALL qicore.retain(0, '{"object": "public.ohlcv_data"}'), with "job" and its name where the run is an occurrence of
-- one. Drops the chunks or partitions older than qicore.policies says, the oldest first and each range in a transaction
-- of its own. Never those of the newest range, never more chunks than maxDropPerRun (unless one range alone has more),
-- never what an aggregate over the table (or over such an aggregate) has not covered, and nothing at all where the
-- newest row is older than the retention: of a dead feed that is the last copy. What differs from what was agreed to is
-- blocked; a declaration that is changed meanwhile stops the run. What cannot be read counts as not covered. Ends in an
-- error that says what was held back, after having done the rest.
-- No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.retain(job_id integer, config jsonb)
language plpgsql
as $$
declare
  wanted text;
  subject regclass;
  policy jsonb;
  scale record;
  pieces jsonb;
  piece record;
  relation text;
  log_id bigint;
  most integer;
  dropped integer := 0;
  held integer := 0;
  alive boolean := false;
  gone boolean;
  refusal text;
  advice text;
  reason text;
  fate text;
  first_reason text;
  began timestamptz;
begin
  perform qicore.retain_settings();
  wanted := config ->> 'object';
  if config ->> 'job' is not null then
    -- Of a schedule: what is refused below is written down too.
    log_id := qicore.begin_job(config ->> 'job', concat('retain ', wanted), wanted);
    commit;
    if log_id is null then
      return;
    end if;
    perform qicore.retain_settings();
  end if;
  subject := to_regclass(wanted);
  select p.config into policy from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject;
  if subject is null then
    refusal := format('retention: there is no table %s', coalesce(wanted, '(config names none)'));
    advice := 'Remove the job, or name a table that is there.';
  elsif policy is null then
    refusal := format('%s: no retention is declared in qicore.policies', wanted);
    advice := 'qicore-db policies apply declares it, or remove the job.';
  elsif policy #>> '{consent,hash}' is distinct from qicore.retention_hash(wanted, policy)
    or coalesce(config ->> 'hash', policy #>> '{consent,hash}') is distinct from policy #>> '{consent,hash}'
  then
    refusal := format('%s: what is declared (older than %s, at most %s a run) is not what was agreed to; nothing was dropped', wanted, policy ->> 'after', policy ->> 'maxDropPerRun');
    advice := 'qicore-db policies apply --confirm <target> agrees to it.';
  end if;
  if refusal is not null then
    update qicore.maintenance_log l set status = 'failed', completed_at = qicore.now(), error = refusal where l.id = log_id;
    commit;
    raise exception using errcode = case when subject is null then '42P01' else '55000' end, message = refusal, hint = advice;
  end if;
  most := coalesce((policy ->> 'maxDropPerRun')::integer, 8);
  select s.* into scale from qicore.retain_scale(subject, policy) s;
  if log_id is null then
    insert into qicore.maintenance_log (operation, job, actor, status, started_at)
    values ('retain ' || wanted, null, session_user, 'running', clock_timestamp())
    returning id into log_id;
  end if;
  update qicore.maintenance_log l
  set detail = coalesce(l.detail, '{}') || jsonb_build_object('job', job_id, 'after', policy ->> 'after', 'cutoff', scale.cutoff_text)
  where l.id = log_id;
  commit;

  perform qicore.retain_settings();
  begin
    select jsonb_agg(to_jsonb(p) order by p.low, p.high) into pieces from qicore.retain_pieces(subject, scale.cutoff) p where p.old and not p.newest;
    if pieces is not null then
      -- The newest first: usually the first answer is yes, and nothing else is opened.
      foreach relation in array array(
        select r.name from qicore.retain_pieces(subject, scale.cutoff) p cross join lateral unnest(p.relations) as r (name) where not p.old order by p.low desc
      ) loop
        execute format('select exists (select from %s where %I >= %s and %I <= %s)', relation, scale.column_name, scale.cutoff_sql, scale.column_name, scale.future_sql)
        into alive;
        exit when alive;
      end loop;
      if not alive then
        first_reason := 'its newest row is older than that, and a feed that is dead leaves its last copy here';
      end if;
    end if;
  exception when others then
    first_reason := sqlerrm || ' [' || sqlstate || ']';
  end;
  if first_reason is not null then
    held := greatest(1, jsonb_array_length(pieces));
    pieces := null;
  end if;
  commit;

  for number in 0 .. coalesce(jsonb_array_length(pieces), 0) - 1 loop
    select p.* into piece from jsonb_to_record(pieces -> number) as p (low bigint, high bigint, label text, relations text[]);
    exit when dropped > 0 and dropped + cardinality(piece.relations) > most;
    perform qicore.retain_settings();
    began := clock_timestamp();
    fate := 'done';
    begin
      if not exists (select from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject and p.config = policy) then
        reason := 'the declaration was changed while this ran';
      else
        reason := qicore.retain_range(subject, scale.column_name, scale.column_type, piece.relations, piece.low, piece.high, scale.now);
      end if;
      if reason is not null then
        fate := 'skipped';
      end if;
    exception when others then
      fate := 'failed';
      reason := sqlerrm || ' [' || sqlstate || ']';
    end;
    -- Somebody else was faster.
    gone := fate <> 'done' and not exists (select from unnest(piece.relations) as name where to_regclass(name) is not null);
    if gone then
      fate := 'skipped';
      reason := 'already dropped';
    elsif fate = 'done' then
      dropped := dropped + cardinality(piece.relations);
    else
      held := held + cardinality(piece.relations);
      first_reason := coalesce(first_reason, format('%s (%s): %s', array_to_string(piece.relations, ', '), piece.label, reason));
    end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail, error)
    values (log_id, 'drop ' || array_to_string(piece.relations, ', '), number, fate, began, clock_timestamp(), 1,
      jsonb_strip_nulls(jsonb_build_object('range', piece.label, 'note', case when fate = 'skipped' then reason end)), case when fate = 'failed' then reason end);
    commit;
  end loop;

  perform qicore.retain_settings();
  update qicore.maintenance_log l
  set status = case when held = 0 then 'done' when dropped = 0 then 'failed' else 'partly' end, completed_at = clock_timestamp(), attempts = 1, error = first_reason
  where l.id = log_id;
  commit;
  if held > 0 then
    raise exception using errcode = '55000',
      message = format('%s: %s older than %s not dropped: %s', wanted, case when held = 1 then '1 chunk' else held || ' chunks' end, policy ->> 'after', first_reason);
  end if;
end
$$;
