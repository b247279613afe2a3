-- Every job with all versions of its schedule, for an audit. `running`: a live daemon is running it. Rows up to
-- pruned_until are deleted. `now`: due times after it are not audited; on a standby those after its newest transaction,
-- because whether they were started is unknown. $1 text[] of names, null for all. TimescaleDB: not needed.
select j.name, j.kind, j.last_at, exists (
    select from qicore.maintenance_log l
    where l.job = j.name and l.token = j.running and l.status = 'running' and l.claimed_by is not null and l.lease_until > case when pg_is_in_recovery() then known.until else clock_timestamp() end
  ) as running, j.pruned_until, known.until as now,
  (
    select jsonb_agg(jsonb_build_object(
      'revision', c.revision, 'validFrom', c.valid_from, 'state', c.state, 'runner', c.runner,
      'schedule', c.schedule, 'timezone', c.timezone, 'commands', c.commands, 'actor', c.actor, 'reason', c.reason
    ) order by c.revision)
    from qicore.job_schedule c where c.job = j.name
  ) as versions
from qicore.job j
cross join lateral (
  select case when pg_is_in_recovery() then least(qicore.now(), coalesce(pg_last_xact_replay_timestamp(), j.last_at)) else qicore.now() end as until
) known
where $1::text[] is null or j.name = any ($1)
order by j.name
