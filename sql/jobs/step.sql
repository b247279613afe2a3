-- Records how a step of an occurrence ended. A step that an earlier attempt recorded as done stays done.
-- $1 log id, $2 step id, $3 position, $4 status, $5 attempts, $6 milliseconds before this transaction, $7 bytes, $8 note, $9 error,
-- $10 SQLSTATE of the error. TimescaleDB: not needed.
insert into qicore.maintenance_step as s
  (log_id, step, position, status, attempts, started_at, completed_at, bytes, detail, error)
values (
  $1, $2, $3, $4, $5,
  now() - coalesce($6::float8, 0) * interval '1 millisecond', clock_timestamp(), $7,
  nullif(jsonb_strip_nulls(jsonb_build_object('note', $8::text, 'sqlState', $10::text)), '{}'), $9
)
on conflict (log_id, step) do update set
  status = excluded.status, attempts = s.attempts + excluded.attempts, completed_at = excluded.completed_at,
  bytes = excluded.bytes, detail = excluded.detail, error = excluded.error
where s.status <> 'done'
