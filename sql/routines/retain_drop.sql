-- Drops one range of a table; null, or why nothing was dropped. Nothing left of it is as good as dropped.
create function qicore.retain_drop(subject regclass, low_sql text, high_sql text, relations text[])
returns text
language plpgsql
as $$
declare
  extension_schema name;
  owner name;
  gone text[];
begin
  select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
  -- What runs on a drop (event triggers) is not lent the rights of a superuser.
  if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
    perform set_config('role', owner, true);
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    execute format('drop table if exists %s', array_to_string(relations, ', '));
  else
    select n.nspname into extension_schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
    execute format('select array_agg(dropped) from %I.drop_chunks(%L::regclass, older_than => %s, newer_than => %s) as dropped', extension_schema, subject, high_sql, low_sql)
    into gone;
  end if;
  perform set_config('role', 'none', true);
  if exists (select from unnest(relations) as name where to_regclass(name) is not null) then
    return 'TimescaleDB left it there: it is frozen';
  end if;
  return null;
end
$$;
