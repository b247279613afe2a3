-- The settings of each transaction of qicore.retain. They end with the transaction, so the session keeps none of them.
-- since: core.1.3.0
-- requires: limit_lock_wait
create or replace function qicore.retain_settings()
returns void
language sql
as $$
  select
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config('timezone', 'UTC', true),
    pg_catalog.set_config('datestyle', 'ISO, YMD', true),
    -- What row level security hides would be neither compared nor counted: reading it fails instead.
    pg_catalog.set_config('row_security', 'off', true),
    -- A drop takes an ACCESS EXCLUSIVE lock: while it waits, new sessions queue behind it.
    qicore.limit_lock_wait(500)
$$;
