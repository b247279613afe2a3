-- Compresses the chunks that are due by the declared policies (qicore.policies) or, for a table without one, by
-- TimescaleDB's policy; then updates the planner's statistics. `work`: all, compress or analyze. Each chunk has a
-- transaction of its own: if one cannot be locked or compressed, the error is recorded and the run continues. If
-- TimescaleDB's own job is active for a table, it is left to compress that table.
-- Includes the tables of qicore.policies beside the given ones, unless `exactly`. CALL it outside of a transaction.
-- A procedure with a SET clause cannot COMMIT, so the settings are made in the body.
-- since: core.1.14.0
-- requires: limit_lock_wait
create or replace procedure qicore.maintain(tables text[], job text default 'maintain', work text default 'all', at_most integer default null, exactly boolean default false)
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
    raise exception using errcode = '22023', message = format('invalid work "%s" for qicore.maintain: use all, compress or analyze', work);
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
            -- is_compressed tests bit 1 only. Bits 2 (unordered) and 8 (partial) need recompression; 4 is frozen.
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
      -- Compression ends with an ACCESS EXCLUSIVE lock: while it waits, new sessions queue behind it.
      perform qicore.limit_lock_wait(500);
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
    perform qicore.limit_lock_wait(2000);
    began := clock_timestamp();
    problem := null;
    begin
      -- ANALYZE skips a table without the privilege and only warns, so the privilege is checked first.
      select format('permission denied: only the owner of %s, or of the database, can analyze it', c.oid::regclass) into problem
      from (
        with recursive below as (
          select relation::oid as oid
          union
          select i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid
        )
        select b.oid from below b
      ) every
      join pg_class c on c.oid = every.oid
      join pg_database d on d.datname = current_database()
      where not case
        when pg_has_role(c.relowner, 'usage') or pg_has_role(d.datdba, 'usage') then true
        when current_setting('server_version_num')::integer >= 170000 then has_table_privilege(c.oid, 'MAINTAIN')
        else false
      end
      order by c.oid
      limit 1;
      if problem is not null then
        raise exception using errcode = '42501', message = problem;
      end if;
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
  set status = case when failed = 0 then 'done' when done = 0 then 'failed' else 'partial' end,
    completed_at = clock_timestamp(), attempts = 1,
    error = case when failed > 0 then format('%s of %s steps failed', failed, done + failed) end
  where l.id = log_id;
end
$$;
