-- Ends occurrences, those that are still ours, and frees their jobs for the next.
-- $1 jsonb array of {id, token, status, reason, error, detail}. The ids that were ours. TimescaleDB: not needed.
with wish as materialized (
  select w.* from jsonb_to_recordset($1::jsonb) as w (id bigint, token bigint, status text, reason text, error text, detail jsonb)
), ended as (
  update qicore.maintenance_log l
  set status = w.status, reason = w.reason, error = w.error, detail = coalesce(l.detail, '{}') || coalesce(w.detail, '{}'),
    completed_at = qicore.now(), lease_until = null
  from wish w
  where l.id = w.id and l.token = w.token and l.status = 'running'
  returning l.id, l.job, l.token
), freed as (
  update qicore.job j set running = null, free_at = qicore.now() from ended where j.name = ended.job and j.running = ended.token
)
select id from ended
