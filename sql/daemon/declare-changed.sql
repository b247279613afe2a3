-- Puts new calendars in force where the declared ones differ, from now on; a paused job stays paused.
-- $1 jsonb array of {name, kind, schedule, timezone, runner: daemon, pg_cron or null to leave it}, $2 actor.
-- TimescaleDB: not needed. A row a change: job, the state before, the schedule and zone before.
with wish as materialized (
  select w.* from jsonb_to_recordset($1::jsonb) as w (name text, kind text, schedule text, timezone text, runner text)
), held as materialized (
  select j.name, j.revision, j.last_at from qicore.job j join wish w on w.name = j.name order by j.name for update of j
), changed as materialized (
  select h.name, h.revision, greatest(qicore.now(), h.last_at, c.valid_from) as valid_from, c.state, w.kind,
    c.schedule as old_schedule, c.timezone as old_timezone, w.schedule, w.timezone, coalesce(w.runner, c.runner) as runner
  from held h
  join wish w on w.name = h.name
  join qicore.job_calendar c on c.job = h.name and c.revision = h.revision
  where (c.schedule, c.timezone, c.runner) is distinct from (w.schedule, w.timezone, coalesce(w.runner, c.runner)) or c.state = 'removed'
), moved as (
  update qicore.job j set revision = j.revision + 1, kind = changed.kind from changed where j.name = changed.name
)
insert into qicore.job_calendar (job, revision, valid_from, state, runner, schedule, timezone, actor, reason)
select name, revision + 1, valid_from, case state when 'removed' then 'active' else state end, runner, schedule, timezone, $2,
  case when state = 'removed' then 'declared again' else format('was %s %s', old_schedule, old_timezone) end
from changed
returning job, reason
