-- What makes new sessions read only: a setting of the database or of this role, or of the whole server.
-- One row. TimescaleDB: not needed.
select
  exists (
    select 1
    from pg_db_role_setting s
    cross join lateral unnest(s.setconfig) as setting (text)
    where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and s.setrole in (0, (select oid from pg_roles where rolname = current_user))
      and setting.text in ('default_transaction_read_only=on', 'default_transaction_read_only=true')
      and s.setrole = 0
  ) as of_database,
  coalesce((
    select s.source in ('configuration file', 'command line') and s.reset_val = 'on'
    from pg_settings s where s.name = 'default_transaction_read_only'
  ), false) as of_server
