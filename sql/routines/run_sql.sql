-- Runs statements of the user in one transaction, for a schedule, and records the result. If one fails, all are rolled
-- back. The setting qicore.job has the name of the job. CALL it outside of a transaction.
-- A procedure with a SET clause cannot COMMIT, so the settings are made in the body.
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
