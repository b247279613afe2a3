-- Creates the missing partitions for now and the periods ahead, for a schedule. Each period has a transaction of its
-- own: if it cannot be created, the error is recorded and the run continues. What partitions cover of a period counts,
-- as in `qicore-db partitions ensure`, and a table that is partitioned by list or hash is managed at the level that
-- carries time. `sets`: [{"table": "public.ohlcv_data", "every": "month", "ahead": 3, "timezone": "UTC"}], with "unit"
-- (s, ms, us, ns) for an integer key and "format" (ulid) for a text. CALL it outside of a transaction.
-- A procedure with a SET clause cannot COMMIT, so the settings are made in the body.
-- since: core.1.14.0
-- requires: limit_lock_wait, partition_key, partition_levels, fill_period
create or replace procedure qicore.ensure_partitions(sets jsonb, job text default 'partitions')
language plpgsql
as $$
declare
  log_id bigint;
  partition_set record;
  periods_ahead integer;
  level regclass;
  made regclass[];
  began timestamptz;
  problem text;
  first_problem text;
  step_number integer := 0;
  done integer := 0;
  failed integer := 0;
begin
  log_id := qicore.begin_job(job, 'partitions');
  commit;
  if log_id is null then
    return;
  end if;
  for partition_set in
    select declared.*, coalesce(levels.relation, declared."table") as relation
    from jsonb_to_recordset(sets) as declared ("table" text, every text, ahead integer, timezone text, unit text, format text)
    -- A table that has no level of time keeps its name: the error names it.
    left join lateral (
      select format('%I.%I', n.nspname, c.relname) as relation
      from qicore.partition_levels(to_regclass(declared."table"), declared.unit, declared.format) as found (level)
      join pg_class c on c.oid = found.level join pg_namespace n on n.oid = c.relnamespace
    ) as levels on true
  loop
    for periods_ahead in 0 .. partition_set.ahead loop
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      -- ATTACH does not wait for readers or writers, except those of a default partition, which it would block.
      perform qicore.limit_lock_wait(500);
      began := clock_timestamp();
      problem := null;
      made := null;
      begin
        level := partition_set.relation::regclass;
        made := array(
          select qicore.fill_period(
            level, qicore.partition_key(level, partition_set.unit, partition_set.format), partition_set.every, partition_set.timezone, periods_ahead
          )
        );
      exception
        when others then
          problem := sqlerrm || ' [' || sqlstate || ']';
      end;
      continue when problem is null and made = '{}';
      first_problem := coalesce(first_problem, problem);
      if problem is null then done := done + 1; else failed := failed + 1; end if;
      insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, error)
      values (
        log_id, case when problem is null then 'create ' || array_to_string(made, ', ') else format('create %s, %s ahead', partition_set.relation, periods_ahead) end, step_number,
        case when problem is null then 'done' else 'failed' end, began, clock_timestamp(), 1, problem
      );
      step_number := step_number + 1;
      commit;
    end loop;
  end loop;
  update qicore.maintenance_log l
  set status = case when failed = 0 then 'done' when done = 0 then 'failed' else 'partial' end, completed_at = qicore.now(), attempts = 1,
    error = case when failed > 0 then format('%s of %s partitions could not be created: %s', failed, done + failed, first_problem) end
  where l.id = log_id;
end
$$;
