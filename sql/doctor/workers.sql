-- TimescaleDB's background workers and what limits them: everybody sees application names. `together` is how many jobs of
-- this database are due in the same minute, of the minute with most of them.
-- One row. TimescaleDB: 2.15
select
  count(*) filter (where a.application_name = 'TimescaleDB Background Worker Launcher')::int as launchers,
  count(*) filter (where a.application_name like 'TimescaleDB Background Worker Scheduler%')::int as schedulers,
  count(*) filter (
    where a.application_name like 'TimescaleDB Background Worker Scheduler%' and a.datname = current_database()
  )::int as here,
  current_setting('timescaledb.max_background_workers', true)::int as max_background_workers,
  current_setting('max_worker_processes')::int as max_worker_processes,
  coalesce((
    select max(due.jobs)::int
    from (
      select count(*) as jobs
      from timescaledb_information.jobs j
      where j.scheduled and j.job_id >= 1000 and isfinite(j.next_start)
      group by date_trunc('minute', j.next_start)
    ) as due
  ), 0) as together
from pg_stat_activity a
