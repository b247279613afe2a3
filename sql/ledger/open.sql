-- Opens the page of a run that a person or a script started; scheduled occurrences are claimed instead.
-- $1 operation, $2 actor, $3 host of the target, $4 the request as JSON text. TimescaleDB: not needed.
insert into qicore.maintenance_log (operation, actor, target_host, detail, status, started_at)
values ($1, $2, $3, $4::jsonb, 'running', clock_timestamp())
returning id
