-- Runs statements of a user's own in one transaction, for a schedule, and writes down how that went: what failed has
-- left nothing behind but its page. current_setting('qicore.job') says what for. CALL it outside of a transaction.
-- No SET clause here: a procedure that has one cannot COMMIT.
-- since: core.1.11.0
create or replace procedure qicore.run_sql(job text, statements text, schemas text default 'public')
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
