-- Pauses or resumes a job from now on, and records the actor.
-- $1 job, $2 active or paused, $3 actor, $4 reason. One row with the state and since when; none if there is no such job.
-- TimescaleDB: not needed.
with held as materialized (
  select j.name, j.revision, j.last_at from qicore.job j where j.name = $1 for update of j
), current as materialized (
  select c.*, held.last_at from held join qicore.job_schedule c on c.job = held.name and c.revision = held.revision
), advanced as (
  update qicore.job j set revision = j.revision + 1 from current where j.name = current.job and current.state not in ($2, 'removed')
  returning j.name
), made as (
  insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, commands, runner_explicit, actor, reason)
  select c.job, c.revision + 1, greatest(qicore.now(), c.last_at, c.valid_from), $2, c.runner, c.schedule, c.timezone, c.commands, c.runner_explicit, $3, $4
  from current c join advanced a on a.name = c.job
  returning state, valid_from, actor
)
select coalesce(made.state, current.state) as state, coalesce(made.valid_from, current.valid_from) as since,
  coalesce(made.actor, current.actor) as actor, made.state is not null as changed
from current left join made on true
