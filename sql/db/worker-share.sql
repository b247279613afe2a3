-- What this database needs of the background workers of TimescaleDB that all databases of the server share.
-- `starts`: how many of its jobs are due in the same minute, by the minute in UTC.
-- One row. TimescaleDB: 2.15
select
  current_setting('timescaledb.max_background_workers', true)::int as max_background_workers,
  (select count(*)::int from pg_stat_activity where application_name like 'TimescaleDB Background Worker Scheduler%') as schedulers,
  coalesce((
    select json_object_agg(due.minute, due.jobs)
    from (
      select to_char(date_trunc('minute', j.next_start) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI') as minute, count(*) as jobs
      from timescaledb_information.jobs j
      where j.scheduled and j.job_id >= 1000 and isfinite(j.next_start)
      group by 1
    ) as due
  ), '{}') as starts
