-- Every job with last_at, up to which every due time has a row, and the schedule versions for later due times, as JSON.
-- $1 text[] of names, null for all. TimescaleDB: not needed.
select j.name, j.kind, j.revision, j.last_at, j.running, j.free_at,
  extract(epoch from l.lease_until - clock_timestamp())::float8 as lease_seconds, l.started_at, l.claimed_by,
  (
    select jsonb_agg(jsonb_build_object(
      'revision', e.revision, 'validFrom', e.valid_from, 'state', e.state, 'runner', e.runner,
      'schedule', e.schedule, 'timezone', e.timezone, 'commands', e.commands, 'actor', e.actor, 'reason', e.reason
    ) order by e.revision)
    from (
      select c.*, lead(c.valid_from) over (order by c.revision) as valid_to
      from qicore.job_schedule c where c.job = j.name
    ) e
    where e.valid_to is null or e.valid_to > j.last_at
  ) as versions
from qicore.job j
left join qicore.maintenance_log l on l.job = j.name and l.status = 'running' and l.token = j.running
where $1::text[] is null or j.name = any ($1)
order by j.name
