-- Ends occurrences, those that are still ours, and frees their jobs for the next.
-- $1 jsonb array of {id, token, status, reason, error, detail}. The ids that were ours. TimescaleDB: not needed.
-- A schema qicore before core.1.14.0 accepts only the former name of done_late.
with wish as materialized (
  select w.* from jsonb_to_recordset($1::jsonb) as w (id bigint, token bigint, status text, reason text, error text, detail jsonb)
), ended as (
  update qicore.maintenance_log l
  set status = case when w.status = 'done_late' and to_regproc('qicore.rename_status') is null then 'late-done' else w.status end,
    reason = w.reason, error = w.error, detail = coalesce(l.detail, '{}') || coalesce(w.detail, '{}'),
    completed_at = qicore.now(), lease_until = null
  from wish w
  where l.id = w.id and l.token = w.token and l.status = 'running'
  returning l.id, l.job, l.token
), freed as (
  update qicore.job j set running = null, free_at = qicore.now() from ended where j.name = ended.job and j.running = ended.token
)
select id from ended
