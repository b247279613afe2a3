-- The settings of pg_cron by which schedules mean something else than in cron, and by which its jobs take workers.
-- Settings are null where this role may not see them. `changes_clocks`: whether the time zone has summer time.
-- One row. No parameters. Locks nothing. TimescaleDB: not needed.
select c.timezone,
  (timestamptz '2026-01-01 00:00+00' at time zone c.timezone) - timestamp '2026-01-01 00:00'
    <> (timestamptz '2026-07-01 00:00+00' at time zone c.timezone) - timestamp '2026-07-01 00:00' as changes_clocks,
  (select setting::boolean from pg_settings where name = 'cron.match_dom_and_dow') as matches_both_days,
  (select setting::boolean from pg_settings where name = 'cron.use_background_workers') as uses_workers,
  (select setting::int from pg_settings where name = 'cron.max_running_jobs') as running_jobs,
  current_setting('max_worker_processes')::int as max_worker_processes
from (select (select setting from pg_settings where name = 'cron.timezone') as timezone) c
