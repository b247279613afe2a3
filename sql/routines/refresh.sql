-- Refreshes one aggregate within the window of its policy, for a schedule:
-- CALL qicore.refresh('public.daily_ohlcv_summary'). CALL it outside of a transaction.
-- The offsets are the arguments, or those of qicore.policies. The window of an emulated aggregate begins at its
-- watermark if that is older. refresh_continuous_aggregate cannot run in a block that catches errors: if it fails, the
-- record stays open and the next run ends it.
-- A procedure with a SET clause cannot COMMIT, so the settings are made in the body.
-- since: core.1.11.0
-- requires: limit_lock_wait
create or replace procedure qicore.refresh(view text, job text default 'refresh', start_offset interval default null, end_offset interval default null)
language plpgsql
as $$
declare
  log_id bigint;
  aggregate regclass;
  emulated boolean;
  extension_schema name;
  policy jsonb;
  watermark timestamptz;
  problem text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  log_id := qicore.begin_job(job, 'refresh ' || view, view);
  commit;
  if log_id is null then
    return;
  end if;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform qicore.limit_lock_wait(2000);
  aggregate := to_regclass(view);
  select p.config into policy from qicore.policies p where p.kind = 'refresh' and to_regclass(p.object) = aggregate;
  select a.watermark into watermark from qicore.aggregates a where to_regclass(a.view) = aggregate;
  emulated := found;
  start_offset := coalesce(start_offset, (policy ->> 'startOffset')::interval);
  end_offset := coalesce(end_offset, (policy ->> 'endOffset')::interval);
  if aggregate is null then
    problem := format('aggregate %s does not exist', view);
  elsif start_offset is null or end_offset is null then
    problem := format('%s: qicore.policies declares no refresh', view);
  elsif emulated then
    begin
      perform qicore.refresh_aggregate(aggregate, least(now() - start_offset, watermark), now() - end_offset);
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
