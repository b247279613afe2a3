-- Records the results of occurrences whose claim is still held, and marks their jobs as no longer running.
-- $1 jsonb array of {id, token, status, reason, error, detail}. Returns the recorded ids. TimescaleDB: not needed.
-- A qicore schema before core.1.14.0 accepts only the former name of done_late.
with result as materialized (
  select r.* from jsonb_to_recordset($1::jsonb) as r (id bigint, token bigint, status text, reason text, error text, detail jsonb)
), ended as (
  update qicore.maintenance_log l
  set status = case when r.status = 'done_late' and to_regproc('qicore.rename_status') is null then 'late-done' else r.status end,
    reason = r.reason, error = r.error, detail = coalesce(l.detail, '{}') || coalesce(r.detail, '{}'),
    completed_at = qicore.now(), lease_until = null
  from result r
  where l.id = r.id and l.token = r.token and l.status = 'running'
  returning l.id, l.job, l.token
), freed as (
  update qicore.job j set running = null, free_at = qicore.now() from ended where j.name = ended.job and j.running = ended.token
)
select id from ended
