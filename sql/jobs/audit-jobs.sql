-- Every job with all versions of its schedule, for an audit. `running`: a live daemon is running it. Rows up to
-- pruned_until are deleted. $1 text[] of names, null for all. TimescaleDB: not needed.
select j.name, j.kind, j.last_at, exists (
    select from qicore.maintenance_log l
    where l.job = j.name and l.token = j.running and l.status = 'running' and l.claimed_by is not null and l.lease_until > clock_timestamp()
  ) as running, j.pruned_until, qicore.now() as now,
  (
    select jsonb_agg(jsonb_build_object(
      'revision', c.revision, 'validFrom', c.valid_from, 'state', c.state, 'runner', c.runner,
      'schedule', c.schedule, 'timezone', c.timezone, 'commands', c.commands, 'actor', c.actor, 'reason', c.reason
    ) order by c.revision)
    from qicore.job_schedule c where c.job = j.name
  ) as versions
from qicore.job j
where $1::text[] is null or j.name = any ($1)
order by j.name
