-- Ends the schedules of jobs that are no longer declared: of the named jobs, whichever runner they have; or of all jobs of
-- the daemon except the named ones. `cron install` ends those of pg_cron.
-- $1 text[] of jobs, $2 whether these are the jobs that are still declared, $3 actor. TimescaleDB: not needed. One row for
-- each ended job.
with held as materialized (
  select j.name, j.revision, j.last_at from qicore.job j where (j.name = any ($1::text[])) <> $2::boolean order by j.name for update of j
), gone as materialized (
  select h.name, h.revision, greatest(qicore.now(), h.last_at, c.valid_from) as valid_from, c.runner, c.schedule, c.timezone
  from held h join qicore.job_schedule c on c.job = h.name and c.revision = h.revision
  where c.state <> 'removed' and (not $2::boolean or c.runner = 'daemon')
), advanced as (
  update qicore.job j set revision = j.revision + 1 from gone where j.name = gone.name
)
insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, actor, reason)
select name, revision + 1, valid_from, 'removed', runner, schedule, timezone, $3, 'not declared any more'
from gone
returning job
