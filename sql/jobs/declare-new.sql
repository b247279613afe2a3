-- Makes the jobs that are not known yet; their calendars count from now.
-- $1 jsonb array of {name, kind, schedule, timezone, runner: daemon, pg_cron or null, commands: pg_cron's, told}, $2 actor. TimescaleDB: not needed.
with wish as materialized (
  select w.* from jsonb_to_recordset($1::jsonb) as w (name text, kind text, schedule text, timezone text, runner text, commands jsonb, told boolean)
), made as (
  insert into qicore.job (name, kind, revision, last_at)
  select name, kind, 1, qicore.now() from wish order by name
  on conflict (name) do nothing
  returning name, last_at
)
insert into qicore.job_calendar (job, revision, valid_from, state, runner, schedule, timezone, commands, told, actor, reason)
select made.name, 1, made.last_at, 'active', coalesce(wish.runner, 'daemon'), wish.schedule, wish.timezone, wish.commands, coalesce(wish.told, false), $2, 'declared'
from made join wish on wish.name = made.name
returning job
