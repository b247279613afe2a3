-- Records the results of occurrences whose claim is still held, and marks their jobs as no longer running.
-- $1 jsonb array of {id, token, status, reason, error, detail, waited: seconds between the claim and the start, ago: seconds
-- since the end}. Returns the recorded ids. TimescaleDB: not needed.
-- A qicore schema before core.1.14.0 accepts only the former name of done_late.
with result as materialized (
  select r.* from jsonb_to_recordset($1::jsonb) as r (id bigint, token bigint, status text, reason text, error text, detail jsonb, waited float8, ago float8)
), ended as (
  update qicore.maintenance_log l
  set status = case when r.status = 'done_late' and to_regproc('qicore.rename_status') is null then 'late-done' else r.status end,
    reason = r.reason, error = r.error, detail = coalesce(l.detail, '{}') || coalesce(r.detail, '{}'),
    started_at = l.started_at + r.waited * interval '1 second',
    completed_at = greatest(qicore.now() - r.ago * interval '1 second', l.started_at + r.waited * interval '1 second'),
    lease_until = null
  from result r
  where l.id = r.id and l.token = r.token and l.status = 'running'
  returning l.id, l.job, l.token
), freed as (
  update qicore.job j set running = null, free_at = qicore.now() from ended where j.name = ended.job and j.running = ended.token
)
select id from ended
