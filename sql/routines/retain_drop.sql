-- Drops one chunk or partition of a table. TimescaleDB's drop_chunks logs the dropped range as changed, with an end
-- that is one microsecond too late: a later refresh then erases the buckets that were computed from it, and the next
-- chunk never counts as covered. Dropping a chunk by its name logs nothing, in every version from 2.15; but up to 2.28
-- that checks no privileges, so this function does.
-- since: core.1.3.0
create or replace function qicore.retain_drop(subject regclass, relation text, low_sql text, high_sql text)
returns void
language plpgsql
as $$
declare
  extension_schema name;
  owner name;
  role_before constant text := current_setting('role');
begin
  select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
  if not pg_has_role(current_user, owner, 'usage') then
    raise exception using errcode = '42501', message = format('must be owner of %s', subject);
  end if;
  -- Event triggers of the drop run with the owner's rights, not with those of a superuser.
  if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
    perform set_config('role', owner, true);
  end if;
  if exists (select from pg_partitioned_table where partrelid = subject) then
    execute format('drop table if exists %s', relation);
  elsif to_regclass(relation) is null then
    -- Another session has dropped it already.
    null;
  elsif to_regprocedure('_timescaledb_functions.drop_chunk(regclass)') is not null then
    execute format('select _timescaledb_functions.drop_chunk(%L::regclass)', relation);
  else
    select n.nspname into extension_schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb';
    execute format('select count(*) from %I.drop_chunks(%L::regclass, older_than => %s, newer_than => %s)', extension_schema, subject, high_sql, low_sql);
  end if;
  perform set_config('role', role_before, true);
  if to_regclass(relation) is not null then
    raise exception using errcode = '55000', message = format('%s still exists after it was dropped', relation);
  end if;
end
$$;
