-- Whether the current schedule version of a job has this state.
-- $1 job, $2 active or paused. TimescaleDB: not needed.
select coalesce((
  select c.state = $2 from qicore.job j join qicore.job_schedule c on c.job = j.name and c.revision = j.revision where j.name = $1
), false) as done
