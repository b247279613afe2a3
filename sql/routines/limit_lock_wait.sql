-- Limits how long the transaction waits for a lock, on the workers of Citus too. Citus opens a session on each worker and
-- repeats in it what SET LOCAL made, not set_config: without that a statement waits on a worker for a lock as long as it
-- takes, and holds its locks elsewhere meanwhile. The limit ends with the transaction.
-- since: core.1.2.0
create or replace function qicore.limit_lock_wait(milliseconds integer)
returns void
language plpgsql
as $$
begin
  if not exists (select from pg_catalog.pg_extension where extname = 'citus') then
    perform pg_catalog.set_config('lock_timeout', milliseconds::text, true);
    return;
  end if;
  set local citus.propagate_set_commands = 'local';
  execute pg_catalog.format('set local lock_timeout = %s', milliseconds);
end
$$;
