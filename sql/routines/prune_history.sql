-- Forgets what ended in the ledger longer ago than that, ten thousand rows a transaction, for a schedule; an audit then
-- begins after the last of them. pg_cron's own history of our entries too, where it lives here. CALL it outside of a transaction.
-- No SET clause here: a procedure that has one cannot COMMIT.
-- since: core.1.11.0
create or replace procedure qicore.prune_history(keep interval, job text default 'prune-history')
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
