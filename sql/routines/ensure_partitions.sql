-- Makes what is missing of the partitions of now and ahead, for a schedule. A partition a transaction: one that cannot
-- be made is recorded and the rest goes on. A larger partition that holds the whole period is as good as one of its own,
-- as for `qicore-db partitions ensure`. `sets`: [{"table": "public.ohlcv_data", "every": "month", "ahead": 3,
-- "timezone": "UTC"}]. CALL it outside of a transaction. No SET clause here: a procedure that has one cannot COMMIT.
-- since: core.1.14.0
create or replace procedure qicore.ensure_partitions(sets jsonb, job text default 'partitions')
language plpgsql
as $$
declare
  log_id bigint;
  wanted record;
  offset_by integer;
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
  for wanted in select * from jsonb_to_recordset(sets) as s ("table" text, every text, ahead integer, timezone text) loop
    for offset_by in 0 .. wanted.ahead loop
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      -- Attaching waits for no session that only reads or writes; with a default partition it would hold them up.
      perform set_config('lock_timeout', '500ms', true);
      began := clock_timestamp();
      problem := null;
      before := (select count(*) from pg_inherits i where i.inhparent = to_regclass(wanted."table"));
      begin
        child := qicore.create_partition(
          wanted."table"::regclass, wanted.every,
          (date_trunc(wanted.every, now() at time zone wanted.timezone) + offset_by * ('1 ' || wanted.every)::interval + interval '12 hours') at time zone wanted.timezone,
          wanted.timezone
        );
      exception
        when sqlstate 'QC001' then
          null;
        when others then
          problem := sqlerrm || ' [' || sqlstate || ']';
      end;
      continue when problem is null and before = (select count(*) from pg_inherits i where i.inhparent = to_regclass(wanted."table"));
      first_problem := coalesce(first_problem, problem);
      if problem is null then done := done + 1; else failed := failed + 1; end if;
      insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, error)
      values (
        log_id, case when problem is null then 'create ' || child else format('create %s, %s ahead', wanted."table", offset_by) end, step_number,
        case when problem is null then 'done' else 'failed' end, began, clock_timestamp(), 1, problem
      );
      step_number := step_number + 1;
      commit;
    end loop;
  end loop;
  update qicore.maintenance_log l
  set status = case when failed = 0 then 'done' when done = 0 then 'failed' else 'partial' end, completed_at = qicore.now(), attempts = 1,
    error = case when failed > 0 then format('%s of %s partitions could not be made: %s', failed, done + failed, first_problem) end
  where l.id = log_id;
end
$$;
