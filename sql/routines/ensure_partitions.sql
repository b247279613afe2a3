-- Creates the missing partitions for now and the periods ahead, for a schedule. Each partition has a transaction of its
-- own: if one cannot be created, the error is recorded and the run continues. A larger partition that covers the whole
-- period counts as that period, as in `qicore-db partitions ensure`. `sets`: [{"table": "public.ohlcv_data",
-- "every": "month", "ahead": 3, "timezone": "UTC"}]. CALL it outside of a transaction.
-- A procedure with a SET clause cannot COMMIT, so the settings are made in the body.
-- since: core.1.14.0
create or replace procedure qicore.ensure_partitions(sets jsonb, job text default 'partitions')
language plpgsql
as $$
declare
  log_id bigint;
  partition_set record;
  periods_ahead integer;
  before bigint;
  child regclass;
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
  for partition_set in select * from jsonb_to_recordset(sets) as s ("table" text, every text, ahead integer, timezone text) loop
    for periods_ahead in 0 .. partition_set.ahead loop
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      -- ATTACH does not wait for readers or writers, except those of a default partition, which it would block.
      perform set_config('lock_timeout', '500ms', true);
      began := clock_timestamp();
      problem := null;
      before := (select count(*) from pg_inherits i where i.inhparent = to_regclass(partition_set."table"));
      begin
        child := qicore.create_partition(
          partition_set."table"::regclass, partition_set.every,
          (date_trunc(partition_set.every, now() at time zone partition_set.timezone) + periods_ahead * ('1 ' || partition_set.every)::interval + interval '12 hours') at time zone partition_set.timezone,
          partition_set.timezone
        );
      exception
        when sqlstate 'QC001' then
          null;
        when others then
          problem := sqlerrm || ' [' || sqlstate || ']';
      end;
      continue when problem is null and before = (select count(*) from pg_inherits i where i.inhparent = to_regclass(partition_set."table"));
      first_problem := coalesce(first_problem, problem);
      if problem is null then done := done + 1; else failed := failed + 1; end if;
      insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, error)
      values (
        log_id, case when problem is null then 'create ' || child else format('create %s, %s ahead', partition_set."table", periods_ahead) end, step_number,
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
