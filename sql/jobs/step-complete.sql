-- Records a step of an occurrence as done, in the step's own transaction. Raises division_by_zero if an earlier attempt
-- had done it, which rolls this one back. An attempt whose connection was lost may still be running: its uncommitted row
-- makes this one wait until it commits or rolls back, so that only one of them takes effect.
-- $1 log id, $2 step id, $3 position, $4 attempts, $5 milliseconds before this transaction, $6 bytes. TimescaleDB: not needed.
with written as (
  insert into qicore.maintenance_step as s (log_id, step, position, status, attempts, started_at, completed_at, bytes)
  values ($1, $2, $3, 'done', $4, now() - coalesce($5::float8, 0) * interval '1 millisecond', clock_timestamp(), $6)
  on conflict (log_id, step) do update set
    status = excluded.status, attempts = s.attempts + excluded.attempts, completed_at = excluded.completed_at,
    bytes = excluded.bytes, detail = null, error = null
  where s.status <> 'done'
  returning 1
)
select 1 / count(*) as written from written
