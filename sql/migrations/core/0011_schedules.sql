-- version: 1.11.0
-- description: Jobs as procedures, for pg_cron

-- Opens the page of a run that something else than a daemon has begun, pg_cron above all, and returns its id. Null where
-- there is nothing to do: pg_cron called, and the job is paused, at work just now, or that of a daemon that is alive;
-- that is written down as skipped. The maintenance of the tables is anybody's to schedule: daemons leave it to pg_cron,
-- so it is theirs only where they were told to take it. A run of the same job (and part of it) whose session is gone
-- without a word is closed as failed: what cannot catch its own error leaves it in cron.job_run_details.
create function qicore.begin_job(job text, operation text, part text default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A background worker of pg_cron has no application_name: what it is stands in its type.
  application text := coalesce(nullif(current_setting('application_name', true), ''), (select a.backend_type from pg_stat_activity a where a.pid = pg_backend_pid()));
  by_cron boolean := coalesce(application like 'pg\_cron%', false);
  why text;
  result bigint;
begin
  update qicore.maintenance_log l
  set status = 'failed', completed_at = qicore.now(), attempts = 1, error = 'it ended without a word: cron.job_run_details has what the server said'
  where l.job = begin_job.job and l.status = 'running' and l.token is null and l.detail ->> 'part' is not distinct from begin_job.part
    and l.detail ? 'pid' and not exists (select from pg_stat_activity a where a.pid = (l.detail ->> 'pid')::integer and a.application_name in ('', l.application) and a.pid <> pg_backend_pid());
  if by_cron then
    select case
        when c.state = 'paused' then 'paused'
        when j.running is not null then 'overlap'
        when c.state = 'active' and c.runner = 'daemon' and (c.told or begin_job.operation <> 'hypertable_maintenance')
          and exists (select from qicore.daemon d where d.stopped_at is null and d.seen_at > clock_timestamp() - interval '2 minutes')
          then 'enforced by daemon'
      end into why
    from qicore.job j join qicore.job_calendar c on c.job = j.name and c.revision = j.revision
    where j.name = begin_job.job;
  end if;
  insert into qicore.maintenance_log (operation, job, actor, application, status, reason, started_at, completed_at, detail)
  values (
    begin_job.operation, begin_job.job, session_user, application, case when why is null then 'running' else 'skipped' end, why, qicore.now(),
    case when why is not null then qicore.now() end, jsonb_strip_nulls(jsonb_build_object('pid', pg_backend_pid(), 'part', begin_job.part))
  )
  returning id into result;
  return case when why is null then result end;
end
$$;

-- Refreshes one aggregate within the window of its policy, for a schedule: CALL qicore.refresh('public.daily_ohlcv_summary').
-- Ages as they are given (of a continuous aggregate), or as qicore.policies says; from further back where nothing has
-- been computed that far yet. A continuous aggregate cannot be refreshed where an error can be caught: one that fails
-- leaves its run open, and the next one closes it. CALL it outside of a transaction.
-- No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.refresh(view text, job text default 'refresh', start_offset interval default null, end_offset interval default null)
language plpgsql
as $$
declare
  log_id bigint;
  aggregate regclass;
  own boolean;
  extension_schema name;
  policy jsonb;
  computed timestamptz;
  problem text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  log_id := qicore.begin_job(job, 'refresh ' || view, view);
  commit;
  if log_id is null then
    return;
  end if;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform set_config('lock_timeout', '2s', true);
  aggregate := to_regclass(view);
  select p.config into policy from qicore.policies p where p.kind = 'refresh' and to_regclass(p.object) = aggregate;
  select a.watermark into computed from qicore.aggregates a where to_regclass(a.view) = aggregate;
  own := found;
  start_offset := coalesce(start_offset, (policy ->> 'startOffset')::interval);
  end_offset := coalesce(end_offset, (policy ->> 'endOffset')::interval);
  if aggregate is null then
    problem := format('there is no aggregate %s', view);
  elsif start_offset is null or end_offset is null then
    problem := format('%s: no refresh is declared in qicore.policies', view);
  elsif own then
    begin
      perform qicore.refresh_aggregate(aggregate, least(now() - start_offset, computed), now() - end_offset);
    exception when others then
      problem := sqlerrm || ' [' || sqlstate || ']';
    end;
  else
    select n.nspname into extension_schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
    perform set_config('search_path', format('pg_catalog, %I, pg_temp', extension_schema), true);
    call refresh_continuous_aggregate(aggregate, now() - start_offset, now() - end_offset);
  end if;
  update qicore.maintenance_log l
  set status = case when problem is null then 'done' else 'failed' end, error = problem, completed_at = qicore.now(), attempts = 1
  where l.id = log_id;
  commit;
  if problem is not null then
    raise exception using message = problem;
  end if;
end
$$;

-- Makes what is missing of the partitions of now and ahead, for a schedule. A partition a transaction: one that cannot
-- be made is written down and the rest goes on. `sets`: [{"table": "public.ohlcv_data", "every": "month", "ahead": 3,
-- "timezone": "UTC"}]. CALL it outside of a transaction. No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.ensure_partitions(sets jsonb, job text default 'partitions')
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
      -- Attaching waits for nobody who only reads or writes; with a default partition it would hold them up.
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
      exception when others then
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
  set status = case when failed = 0 then 'done' when done = 0 then 'failed' else 'partly' end, completed_at = qicore.now(), attempts = 1,
    error = case when failed > 0 then format('%s of %s partitions could not be made: %s', failed, done + failed, first_problem) end
  where l.id = log_id;
end
$$;

-- Forgets what ended in the ledger longer ago than that, ten thousand rows a transaction, for a schedule; an audit then
-- begins after the last of them. pg_cron's own history of our entries too, where it lives here. CALL it outside of a transaction.
-- No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.prune_history(keep interval, job text default 'prune-history')
language plpgsql
as $$
declare
  log_id bigint;
  gone bigint;
  total bigint := 0;
begin
  log_id := qicore.begin_job(job, 'prune-history');
  commit;
  if log_id is null then
    return;
  end if;
  loop
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    with old as materialized (
      select l.id, l.job, coalesce(l.scheduled_at, l.started_at) as at, l.scheduled_at is not null or l.application like 'pg\_cron%' as counts
      from qicore.maintenance_log l
      where coalesce(l.scheduled_at, l.started_at, l.completed_at) < qicore.now() - keep and l.status <> 'running'
      order by coalesce(l.scheduled_at, l.started_at, l.completed_at)
      limit 10000
    ), deleted as (
      delete from qicore.maintenance_log l using old where l.id = old.id
    ), told as (
      update qicore.job j set pruned_until = greatest(j.pruned_until, last.at)
      from (select o.job, max(o.at) as at from old o where o.counts group by o.job) last
      where j.name = last.job
    )
    select count(*) into gone from old;
    commit;
    total := total + gone;
    exit when gone < 10000;
  end loop;
  -- pg_cron never forgets: where it lives in this database, its word on our runs goes with them.
  if exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'cron' and c.relname = 'job_run_details' and has_schema_privilege(n.oid, 'usage')) then
    delete from cron.job_run_details d
    where d.end_time < clock_timestamp() - keep and d.jobid in (select j.jobid from cron.job j where j.database = current_database() and j.jobname::text like 'qicore:%');
    commit;
  end if;
  update qicore.maintenance_log l
  set status = 'done', completed_at = qicore.now(), attempts = 1, detail = coalesce(l.detail, '{}') || jsonb_build_object('rows', total)
  where l.id = log_id;
end
$$;

-- Runs statements of a user's own in one transaction, for a schedule, and writes down how that went: what failed has
-- left nothing behind but its page. current_setting('qicore.job') says what for. CALL it outside of a transaction.
-- No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.run_sql(job text, statements text, schemas text default 'public')
language plpgsql
as $$
declare
  log_id bigint;
  problem text;
begin
  log_id := qicore.begin_job(job, 'sql');
  commit;
  if log_id is null then
    return;
  end if;
  perform pg_catalog.set_config('search_path', schemas, true), pg_catalog.set_config('qicore.job', job, true);
  begin
    execute statements;
  exception when others then
    problem := sqlerrm || ' [' || sqlstate || ']';
  end;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  update qicore.maintenance_log l
  set status = case when problem is null then 'done' else 'failed' end, error = problem, completed_at = qicore.now(), attempts = 1
  where l.id = log_id;
  commit;
  if problem is not null then
    raise exception using message = problem;
  end if;
end
$$;
