-- Deletes records that ended longer ago than `keep`, ten thousand rows a transaction, for a schedule. An audit then
-- begins after the last deleted one. If pg_cron is in this database, its records of QiCore's entries are deleted as
-- well. CALL it outside of a transaction. A procedure with a SET clause cannot COMMIT, so the settings are made in the
-- body.
-- since: core.1.11.0
create or replace procedure qicore.prune_history(keep interval, job text default 'prune-history')
language plpgsql
as $$
declare
  log_id bigint;
  batch bigint;
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
    ), advanced as (
      update qicore.job j set pruned_until = greatest(j.pruned_until, last.at)
      from (select o.job, max(o.at) as at from old o where o.counts group by o.job) last
      where j.name = last.job
    )
    select count(*) into batch from old;
    commit;
    total := total + batch;
    exit when batch < 10000;
  end loop;
  -- pg_cron never deletes its records, so those of QiCore's entries are deleted here.
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
