-- A key that changes with everything that only a new session sees, and with most other causes of a condition: settings of
-- databases and roles, the configuration, extensions, TimescaleDB's launcher and schedulers. TimescaleDB: not needed.
-- No parameters. One row: key.
select md5(concat_ws(
  '|',
  pg_postmaster_start_time(),
  pg_conf_load_time(),
  pg_is_in_recovery(),
  (select string_agg(extname || ' ' || extversion, ',' order by extname) from pg_extension),
  (
    select string_agg(s.setrole || ' ' || s.setconfig::text, ',' order by s.setdatabase, s.setrole)
    from pg_db_role_setting s
    where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  ),
  case
    when exists (select from pg_extension where extname = 'timescaledb') then (
      select string_agg(distinct application_name || ' ' || coalesce(datname, ''), ',')
      from pg_stat_activity
      where application_name like 'TimescaleDB Background Worker %'
    )
  end
)) as key
