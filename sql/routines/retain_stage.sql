-- Carries out one stage that qicore.retain_stages returned, in the transaction of the caller: moves a detached table with
-- its indexes to the schema and the tablespace of the policy, or drops it. Raises an error if the table was attached,
-- detached or altered since.
-- since: core.1.19.0
create or replace function qicore.retain_stage(record_id bigint, policy jsonb, task text)
returns void
language plpgsql
as $$
declare
  wanted_schema constant text := policy #>> '{archive,schema}';
  wanted_space constant text := policy #>> '{archive,tablespace}';
  role_before constant text := current_setting('role');
  subject oid;
  kind "char";
  owner name;
  part record;
begin
  select d.relation into subject from qicore.detached_partition d where d.id = record_id;
  select c.relkind, r.rolname into kind, owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
  if kind <> 'f' then
    execute format('lock table %s in access exclusive mode', subject::regclass);
  end if;
  if not exists (
    select from qicore.detached_partition d
    join pg_class c on c.oid = d.relation and not c.relispartition
    join pg_attribute a on a.attrelid = c.oid and a.attname = d.key_column and a.xmin::text = d.detached_xid
    where d.id = record_id and d.detached_at is not null and d.dropped_at is null
  ) then
    raise exception using errcode = '55000', message = format('%s was attached, detached or altered since it was detached: it is kept', subject::regclass);
  end if;
  if task = 'drop' then
    if not pg_has_role(current_user, owner, 'usage') then
      raise exception using errcode = '42501', message = format('must be owner of %s', subject::regclass);
    end if;
    -- Event triggers of the drop run with the owner's rights, not with those of a superuser.
    if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
      perform set_config('role', owner, true);
    end if;
    execute format('drop %s %s', case kind when 'f' then 'foreign table' else 'table' end, subject::regclass);
    perform set_config('role', role_before, true);
    update qicore.detached_partition d set dropped_at = clock_timestamp() where d.id = record_id;
    return;
  end if;
  for part in
    with recursive below as (
      select subject as oid, 0 as depth
      union all
      select i.inhrelid, b.depth + 1 from below b join pg_inherits i on i.inhparent = b.oid
    ), every as (
      select b.oid, b.depth, false as is_index from below b
      union all
      select x.indexrelid, b.depth, true from below b join pg_index x on x.indrelid = b.oid
    )
    select e.oid, e.is_index, c.relkind, n.nspname, t.spcname
    from every e
    join pg_class c on c.oid = e.oid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_database home on home.datname = current_database()
    join pg_tablespace t on t.oid = coalesce(nullif(c.reltablespace, 0), home.dattablespace)
    order by e.depth desc, e.is_index
  loop
    if part.relkind in ('r', 'i') and part.spcname <> wanted_space then
      execute format('alter %s %s set tablespace %I', case when part.is_index then 'index' else 'table' end, part.oid::regclass, wanted_space);
    end if;
    if not part.is_index and part.nspname <> wanted_schema then
      execute format('alter %s %s set schema %I', case part.relkind when 'f' then 'foreign table' else 'table' end, part.oid::regclass, wanted_schema);
    end if;
  end loop;
  update qicore.detached_partition d set moved_at = clock_timestamp() where d.id = record_id;
end
$$;
