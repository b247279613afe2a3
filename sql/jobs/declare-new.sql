-- Adds the jobs that are not in the ledger yet; their schedules are in force from now on.
-- $1 jsonb array of {name, kind, schedule, timezone, runner: daemon, pg_cron or null, commands: those of pg_cron,
-- explicit: the configuration names the runner}, $2 actor. TimescaleDB: not needed.
with request as materialized (
  select r.* from jsonb_to_recordset($1::jsonb) as r (name text, kind text, schedule text, timezone text, runner text, commands jsonb, explicit boolean)
), made as (
  insert into qicore.job (name, kind, revision, last_at)
  select name, kind, 1, qicore.now() from request order by name
  on conflict (name) do nothing
  returning name, last_at
)
insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, commands, runner_explicit, actor, reason)
select made.name, 1, made.last_at, 'active', coalesce(request.runner, 'daemon'), request.schedule, request.timezone, request.commands, coalesce(request.explicit, false), $2, 'declared'
from made join request on request.name = made.name
returning job
