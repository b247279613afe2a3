-- Limits how long the transaction waits for a lock, on the workers of Citus too. Citus opens a session on each worker and
-- repeats in it what SET LOCAL made, not set_config: without that a statement waits on a worker for a lock as long as it
-- takes, and holds its locks elsewhere meanwhile. The limit ends with the transaction.
-- PostgreSQL cancels an autovacuum worker that blocks a request for a lock only after deadlock_timeout (1 s), which is
-- longer than most limits here, so a role that may do so shortens it.
-- since: core.1.2.0
create or replace function qicore.limit_lock_wait(milliseconds integer)
returns void
language plpgsql
as $$
begin
  if current_setting('is_superuser') = 'on' then
    perform pg_catalog.set_config('deadlock_timeout', greatest(1, milliseconds / 2)::text, true);
  -- PostgreSQL 14 has no has_parameter_privilege, so the condition that names it is a statement of its own.
  elsif current_setting('server_version_num')::int >= 150000 then
    if pg_catalog.has_parameter_privilege('deadlock_timeout', 'set') then
      perform pg_catalog.set_config('deadlock_timeout', greatest(1, milliseconds / 2)::text, true);
    end if;
  end if;
  if not exists (select from pg_catalog.pg_extension where extname = 'citus') then
    perform pg_catalog.set_config('lock_timeout', milliseconds::text, true);
    return;
  end if;
  set local citus.propagate_set_commands = 'local';
  execute pg_catalog.format('set local lock_timeout = %s', milliseconds);
end
$$;
