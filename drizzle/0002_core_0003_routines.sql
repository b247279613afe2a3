create function qicore.create_partition(parent regclass, period text, instant timestamptz, zone text default 'UTC')
returns regclass
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  parent_schema name;
  parent_schema_oid oid;
  parent_name name;
  suffix text;
  base text;
  child text;
  child_oid oid;
  start_local timestamp;
  end_local timestamp;
  wanted text;
  found_bound text;
  key_type oid;
  place text;
  midnight timestamp;
  edge timestamptz;
  bounds text[] := '{}';
begin
  if period is null or period not in ('month', 'day') then
    raise exception using errcode = '22023', message = format('"%s" is no period of partitions: it is month or day', period);
  end if;
  select n.nspname, n.oid, c.relname, a.atttypid into parent_schema, parent_schema_oid, parent_name, key_type
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_partitioned_table p on p.partrelid = c.oid and p.partstrat = 'r' and p.partnatts = 1
  join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
  where c.oid = parent;
  if not found then
    raise exception using errcode = '42809', message = format('%s is not partitioned by range of one column', parent);
  end if;
  if instant is null or not isfinite(instant) then
    raise exception using errcode = '22023', message = format('no partition of %s holds %s', parent, coalesce(instant::text, 'null'));
  end if;

  start_local := date_trunc(period, instant at time zone zone);
  end_local := start_local + case period when 'month' then interval '1 month' else interval '1 day' end;
  if key_type = 'timestamptz'::regtype then
    foreach midnight in array array[start_local, end_local] loop
      edge := midnight at time zone zone;
      if (edge - interval '1 microsecond') at time zone zone >= midnight then
        -- It comes twice (Havana): the day begins with the first, told by the offset of the day before.
        edge := (midnight - ((edge - interval '1 day') at time zone zone - (edge - interval '1 day') at time zone 'UTC')) at time zone 'UTC';
        if not (edge at time zone zone >= midnight and (edge - interval '1 microsecond') at time zone zone < midnight) then
          -- It lies inside of what was skipped (Toronto, 1919): the day begins where the clock came out.
          edge := midnight at time zone zone;
          select coalesce(min(t), edge) into edge from generate_series(edge - interval '1 day', edge, interval '1 minute') t
          where t at time zone zone >= midnight and (t - interval '1 microsecond') at time zone zone < midnight;
        end if;
      end if;
      bounds := bounds || edge::text;
    end loop;
  elsif key_type = 'timestamp'::regtype then
    bounds := array[start_local::text, end_local::text];
  elsif key_type = 'date'::regtype then
    bounds := array[start_local::date::text, end_local::date::text];
  else
    raise exception using errcode = '42809',
      message = format('%s is partitioned by a column of type %s, not by a date or a time', parent, format_type(key_type, null));
  end if;

  suffix := to_char(start_local, case period when 'month' then '"_y"FMYYYY"m"MM' else '"_y"FMYYYY"m"MM"d"DD' end);
  base := parent_name;
  if octet_length(base || suffix) > 63 then
    -- The hash keeps two long names with the same beginning apart; a name is cut between characters, not bytes.
    suffix := '_' || left(md5(parent_name), 8) || suffix;
    while octet_length(base || suffix) > 63 loop
      base := left(base, -1);
    end loop;
  end if;
  child := format('%I.%I', parent_schema, base || suffix);
  wanted := format('FOR VALUES FROM (%L) TO (%L)', bounds[1], bounds[2]);

  -- One at a time: two sessions that make the same child would otherwise meet at its name.
  execute format('lock table only %s in share update exclusive mode', parent);
  -- With a relation, pg_get_expr would wait for a lock on it.
  select c.oid, pg_get_expr(c.relpartbound, 0) into child_oid, found_bound
  from pg_class c where c.relnamespace = parent_schema_oid and c.relname = base || suffix;
  if found then
    if not exists (select from pg_inherits i where i.inhrelid = child_oid and i.inhparent = parent) then
      raise exception using errcode = '42P07', message = format('%s is there already and is no partition of %s', child, parent);
    end if;
    if exists (select from pg_inherits i where i.inhrelid = child_oid and i.inhdetachpending) then
      raise exception using errcode = '55000', message = format('%s is pending detach from %s', child, parent),
        hint = format('Finish it first: ALTER TABLE %s DETACH PARTITION %s FINALIZE', parent, child);
    end if;
    if found_bound <> wanted then
      raise exception using errcode = '42P07',
        message = format('%s is a partition of %s already, but %s instead of %s', child, parent, lower(found_bound), lower(wanted));
    end if;
    return child_oid::regclass;
  end if;
  -- Where and how PARTITION OF would put it.
  select concat(' using ' || quote_ident(m.amname), ' tablespace ' || quote_ident(s.spcname)) into place
  from pg_class c left join pg_am m on m.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace
  where c.oid = parent;
  execute format('create table %s (like %s including defaults including constraints including storage including compression including generated)%s', child, parent, place);
  execute format('alter table %s attach partition %s %s', parent, child, wanted);
  return child::regclass;
end
$$;
--> statement-breakpoint
create function qicore.refresh_aggregate(aggregate regclass, window_start timestamptz, window_end timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  known qicore.aggregates;
  origin constant timestamptz := '2000-01-03 00:00:00+00';
  first_bucket timestamptz;
  last_bucket timestamptz;
  result bigint;
begin
  -- The row is the lock: two refreshes of one aggregate come one after the other.
  select a.* into known from qicore.aggregates a where to_regclass(a.view) = aggregate for update;
  if not found then
    raise exception using errcode = '42809', message = format('%s is no aggregate of this database', aggregate);
  end if;
  if window_start is null or window_end is null or not isfinite(window_start) or not isfinite(window_end) then
    raise exception using errcode = '22023', message = 'a refresh needs a window with two ends';
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
      message = format('the window from %s to %s holds no whole bucket of %s', window_start, window_end, known.bucket);
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
--> statement-breakpoint
create procedure qicore.maintain(tables text[], job text default 'maintain', work text default 'all', at_most integer default null, exactly boolean default false)
language plpgsql
as $$
declare
  log_id bigint;
  extension_schema name;
  community boolean;
  scheduler_alive boolean;
  relation regclass;
  table_name text;
  own_job integer;
  after interval;
  chunks regclass[];
  chunk regclass;
  step text;
  step_number integer := 0;
  tried integer := 0;
  began timestamptz;
  problem text;
  done integer := 0;
  failed integer := 0;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if work is null or work not in ('all', 'compress', 'analyze') then
    raise exception using errcode = '22023', message = format('"%s" is no work of qicore.maintain: it is all, compress or analyze', work);
  end if;
  log_id := qicore.begin_job(job, case work when 'all' then 'hypertable_maintenance' else work end);
  if log_id is null then
    return;
  end if;
  select n.nspname into extension_schema
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
  community := work <> 'analyze' and extension_schema is not null and current_setting('timescaledb.license', true) = 'timescale';
  scheduler_alive := exists (
    select from pg_stat_activity
    where application_name like 'TimescaleDB Background Worker Scheduler%' and datname = current_database()
  );
  tables := array(
    select name from (
      select name, min(position) as position from (
        select name, position from unnest(tables) with ordinality as given (name, position)
        union all
        select object, 1000000 from qicore.policies where kind = 'compression' and not exactly
      ) every group by name
    ) once order by position, name
  );
  commit;

  foreach table_name in array tables loop
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    relation := to_regclass(table_name);
    continue when relation is null;
    own_job := null;
    after := null;
    chunks := '{}';
    if community then
      select (p.config ->> 'after')::interval into after
      from qicore.policies p where p.kind = 'compression' and to_regclass(p.object) = relation;
      select j.job_id, coalesce(after, (j.config ->> 'compress_after')::interval) into own_job, after
      from (select 1) one
      left join timescaledb_information.jobs j on j.proc_name = 'policy_compression' and j.scheduled
        and to_regclass(format('%I.%I', j.hypertable_schema, j.hypertable_name)) = relation;
      if own_job is not null and scheduler_alive then
        insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail)
        values (log_id, 'compress ' || table_name, step_number, 'skipped', clock_timestamp(), clock_timestamp(), 0,
          jsonb_build_object('note', format('enforced by timescaledb, job %s', own_job)));
        step_number := step_number + 1;
      elsif after is not null then
        chunks := array(
          select to_regclass(format('%I.%I', c.chunk_schema, c.chunk_name))
          from timescaledb_information.chunks c
          where to_regclass(format('%I.%I', c.hypertable_schema, c.hypertable_name)) = relation
            and c.range_end <= now() - after
            -- is_compressed is bit 1 alone: 2 (unordered) and 8 (partial) have rows to be compressed again, 4 is frozen.
            and _timescaledb_functions.chunk_status(to_regclass(format('%I.%I', c.chunk_schema, c.chunk_name))) & 11 <> 1
            and _timescaledb_functions.chunk_status(to_regclass(format('%I.%I', c.chunk_schema, c.chunk_name))) & 4 = 0
          order by c.range_start
          limit at_most - tried
        );
      end if;
      commit;
    end if;

    foreach chunk in array chunks loop
      tried := tried + 1;
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      -- Compressing ends with ACCESS EXCLUSIVE: whoever comes while it waits queues behind it.
      perform set_config('lock_timeout', '500ms', true);
      began := clock_timestamp();
      step := 'compress ' || chunk;
      problem := null;
      begin
        execute format('select %I.compress_chunk($1)', extension_schema) using chunk;
      exception when others then
        problem := sqlerrm || ' [' || sqlstate || ']';
      end;
      if problem is null then done := done + 1; else failed := failed + 1; end if;
      insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, error)
      values (log_id, step, step_number, case when problem is null then 'done' else 'failed' end, began, clock_timestamp(), 1, problem);
      step_number := step_number + 1;
      commit;
    end loop;

    continue when work = 'compress';
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    perform set_config('lock_timeout', '2s', true);
    began := clock_timestamp();
    problem := null;
    begin
      execute format('analyze %s', relation);
    exception when others then
      problem := sqlerrm || ' [' || sqlstate || ']';
    end;
    if problem is null then done := done + 1; else failed := failed + 1; end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, error)
    values (log_id, 'analyze ' || table_name, step_number, case when problem is null then 'done' else 'failed' end, began, clock_timestamp(), 1, problem);
    step_number := step_number + 1;
    commit;
  end loop;

  update qicore.maintenance_log l
  set status = case when failed = 0 then 'done' when done = 0 then 'failed' else 'partly' end,
    completed_at = clock_timestamp(), attempts = 1,
    error = case when failed > 0 then format('%s of %s steps failed', failed, done + failed) end
  where l.id = log_id;
end
$$;
--> statement-breakpoint
insert into qicore.schema_versions (version, description, stream, checksum)
values ('core.1.2.0', 'Partitions, refresh, maintenance', 'core', 'eff2582c0ae6ee35a70a44ecb58a7ab669ef39285b6b69107d2f96b4fffbdad2');
