-- Adds a schedule version, in force from now on, to each job whose declaration differs; a paused job stays paused. A job
-- of pg_cron whose runner is not given is left unchanged, because `cron install` changes it together with pg_cron's entry.
-- $1 jsonb array of {name, kind, schedule, timezone, runner: daemon, pg_cron or null to keep it, commands: those of pg_cron
-- or null to keep them, explicit: the configuration names the runner}, $2 actor. TimescaleDB: not needed.
-- One row for each change: job, and the previous value as reason.
with request as materialized (
  select r.* from jsonb_to_recordset($1::jsonb) as r (name text, kind text, schedule text, timezone text, runner text, commands jsonb, explicit boolean)
), held as materialized (
  select j.name, j.revision, j.last_at from qicore.job j join request r on r.name = j.name order by j.name for update of j
), current as materialized (
  select h.name, h.revision, greatest(qicore.now(), h.last_at, c.valid_from) as valid_from, c.state, c.schedule, c.timezone, c.runner, c.commands, c.runner_explicit
  from held h join qicore.job_schedule c on c.job = h.name and c.revision = h.revision
), wanted as materialized (
  select r.name, r.kind, r.schedule, r.timezone, coalesce(r.runner, case c.state when 'removed' then 'daemon' else c.runner end) as runner,
    case r.runner when 'daemon' then null else coalesce(r.commands, c.commands) end as commands,
    coalesce(r.explicit, false) as explicit
  from request r join current c on c.name = r.name
  where r.runner is not null or c.runner <> 'pg_cron' or c.state = 'removed'
), changed as materialized (
  select c.name, c.revision, c.valid_from, c.state, w.kind, w.schedule, w.timezone, w.runner, w.commands, w.explicit,
    case
      when c.state = 'removed' then 'declared again'
      when w.runner <> c.runner then format('was run by %s', c.runner)
      when (w.schedule, w.timezone) <> (c.schedule, c.timezone) then format('was %s %s', c.schedule, c.timezone)
      when w.explicit <> c.runner_explicit then format('the runner is %s', case when w.explicit then 'named' else 'not named any more' end)
      else 'what pg_cron runs was changed'
    end as reason
  from current c join wanted w on w.name = c.name
  where (c.schedule, c.timezone, c.runner, c.commands, c.runner_explicit) is distinct from (w.schedule, w.timezone, w.runner, w.commands, w.explicit) or c.state = 'removed'
), advanced as (
  update qicore.job j set revision = j.revision + 1, kind = changed.kind from changed where j.name = changed.name
)
insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, commands, runner_explicit, actor, reason)
select name, revision + 1, valid_from, case state when 'removed' then 'active' else state end, runner, schedule, timezone, commands, explicit, $2, reason
from changed
returning job, reason
