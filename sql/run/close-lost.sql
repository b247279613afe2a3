-- Closes the records of runs whose session is gone, without completed_at, which is not known. A run of a job becomes
-- failed, so that the job's schedule counts it; any other run becomes interrupted.
-- $1 bigint[] of log ids. TimescaleDB: not needed.
update qicore.maintenance_log l
set status = case when l.job is null then 'interrupted' else 'failed' end, detail = coalesce(l.detail, '{}') || '{"reason": "session_ended"}',
  error = 'the session ended before the run recorded a result' || case when to_jsonb(l) ->> 'application' like 'pg\_cron%' then ': see cron.job_run_details for the error' else '' end
where l.id = any ($1::bigint[]) and l.status = 'running' and l.token is null
