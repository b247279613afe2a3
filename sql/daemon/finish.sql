-- Ends an occurrence, if it is still ours, and frees its job for the next.
-- $1 log id, $2 token, $3 status, $4 reason, $5 error, $6 detail as JSON text. One row where it was ours.
-- TimescaleDB: not needed.
with ended as (
  update qicore.maintenance_log l
  set status = $3, reason = $4, error = $5, detail = coalesce(l.detail, '{}') || coalesce($6::jsonb, '{}'),
    completed_at = qicore.now(), lease_until = null
  where l.id = $1 and l.token = $2 and l.status = 'running'
  returning l.job, l.token, l.completed_at
), freed as (
  update qicore.job j set running = null, free_at = qicore.now() from ended where j.name = ended.job and j.running = ended.token
)
select completed_at from ended
