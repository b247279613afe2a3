-- TimescaleDB's background workers, what limits them, and the other processes that count for max_worker_processes.
-- `together` is how many jobs of this database are due in the same minute, of the minute with most of them.
-- `replication`: the launcher of logical replication and the workers of subscriptions. `others`: workers of other
-- extensions; null if this role does not see the types of processes. Application names are visible to every role.
-- One row. TimescaleDB: 2.15
select
  count(*) filter (where a.application_name = 'TimescaleDB Background Worker Launcher')::int as launchers,
  count(*) filter (where a.application_name like 'TimescaleDB Background Worker Scheduler%')::int as schedulers,
  count(*) filter (
    where a.application_name like 'TimescaleDB Background Worker Scheduler%' and a.datname = current_database()
  )::int as here,
  current_setting('timescaledb.max_background_workers', true)::int as max_background_workers,
  current_setting('max_worker_processes')::int as max_worker_processes,
  current_setting('max_parallel_workers')::int as max_parallel_workers,
  (current_setting('max_logical_replication_workers')::int > 0)::int
    + (select count(pid)::int from pg_stat_subscription) as replication,
  count(*) filter (where a.application_name = 'pg_cron scheduler')::int as pg_cron,
  case when pg_has_role(current_user, 'pg_read_all_stats', 'usage') then
    count(*) filter (
      where a.backend_type not in (
          'archiver', 'autovacuum launcher', 'autovacuum worker', 'background writer', 'checkpointer', 'client backend',
          'io worker', 'logger', 'slotsync worker', 'standalone backend', 'startup', 'walreceiver', 'walsender',
          'walsummarizer', 'walwriter'
        )
        and a.backend_type <> 'parallel worker'
        and a.backend_type not like 'logical replication %'
        and a.application_name <> 'pg_cron scheduler'
        and a.backend_type not like 'TimescaleDB %'
        -- Jobs of TimescaleDB: `Retention Policy [1000]`.
        and a.backend_type !~ ' \[\d+\]$'
    )::int
  end as others,
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
