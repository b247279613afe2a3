-- What every transaction of qicore.retain begins with; gone with its end, so that nothing sticks to a session.
-- since: core.1.3.0
create or replace function qicore.retain_settings()
returns void
language sql
as $$
  select
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config('timezone', 'UTC', true),
    pg_catalog.set_config('datestyle', 'ISO, YMD', true),
    -- Dropping takes ACCESS EXCLUSIVE: sessions that come while it waits queue behind it.
    pg_catalog.set_config('lock_timeout', '500ms', true)
$$;
