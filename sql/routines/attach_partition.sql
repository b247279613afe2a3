-- Creates a partition with these bounds and attaches it; the caller has locked the table and checked that the range is
-- free. It is partitioned itself as the newest partition is. Its name is that of qicore.partition_name.
-- since: core.1.2.0
-- requires: partition_name
create or replace function qicore.attach_partition(parent regclass, suffix text, low text, high text, template regclass)
returns regclass
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  space name;
  space_oid oid;
  child_name text := qicore.partition_name(parent, suffix);
  child text;
  storage_clause text;
  kind "char" := (select relkind from pg_class where oid = template);
begin
  select n.nspname, n.oid into space, space_oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
  child := format('%I.%I', space, child_name);
  if exists (select from pg_class c where c.relnamespace = space_oid and c.relname = child_name) then
    if exists (select from pg_inherits i where i.inhrelid = child::regclass and i.inhparent = parent) then
      raise exception using errcode = '42P07', message = format('%s is a partition of %s with other bounds than %s to %s', child, parent, low, high);
    end if;
    raise exception using errcode = '42P07', message = format('%s already exists and is not a partition of %s: attach, rename or drop it', child, parent);
  end if;
  -- The access method and tablespace that CREATE TABLE ... PARTITION OF would use.
  select concat(case when kind is distinct from 'p' then ' using ' || quote_ident(m.amname) end, ' tablespace ' || quote_ident(s.spcname)) into storage_clause
  from pg_class c left join pg_am m on m.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace
  where c.oid = parent;
  execute format(
    'create table %s (like %s including defaults including constraints including storage including compression including generated)%s%s',
    child, parent, case when kind = 'p' then ' partition by ' || pg_get_partkeydef(template) end, storage_clause
  );
  if kind = 'p' then
    perform qicore.copy_subpartitions(template, child::regclass);
  end if;
  -- Citus follows a foreign key to a replicated table only with one connection to each node.
  if exists (select from pg_extension where extname = 'citus') then
    perform set_config('citus.multi_shard_modify_mode', 'sequential', true);
  end if;
  execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, child, low, high);
  return child::regclass;
end
$$;
