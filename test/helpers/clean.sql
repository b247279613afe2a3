-- Empties the one database of an embedded engine in a fraction of the time a new engine takes to start: aggregates
-- and hypertables first, since dropping them is what removes their chunks, jobs and catalog rows; then whatever
-- else belongs to no extension.
do $clean$
declare
  item record;
begin
  perform set_config('search_path', 'pg_catalog, public', true);
  perform set_config('client_min_messages', 'error', true);
  if exists (select from pg_extension where extname = 'timescaledb') then
    -- The latest first: an aggregate over another one is the later of the two.
    for item in select name from unnest(array(
      select format('%I.%I', user_view_schema, user_view_name) from _timescaledb_catalog.continuous_agg order by mat_hypertable_id desc
    )) as name loop
      execute format('drop materialized view if exists %s cascade', item.name);
    end loop;
    for item in select job_id from timescaledb_information.jobs where job_id >= 1000 loop
      perform delete_job(item.job_id);
    end loop;
  end if;
  for item in
    select n.nspname from pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public')
      and not exists (select from pg_depend d where d.objid = n.oid and d.classid = 'pg_namespace'::regclass and d.deptype = 'e')
  loop
    execute format('drop schema if exists %I cascade', item.nspname);
  end loop;
  for item in
    select c.oid::regclass as name,
      case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end as kind
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
    order by c.relkind = 'S'
  loop
    -- An earlier cascade may have taken it along.
    if exists (select from pg_class where oid = item.name) then
      execute format('drop %s if exists %s cascade', item.kind, item.name);
    end if;
  end loop;
  for item in
    select p.oid::regprocedure as name, case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
  loop
    execute format('drop %s if exists %s cascade', item.kind, item.name);
  end loop;
  for item in
    select t.oid::regtype as name, case t.typtype when 'd' then 'domain' else 'type' end as kind
    from pg_type t
    where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd', 'c', 'r') and t.typrelid = 0
      and not exists (select from pg_depend d where d.objid = t.oid and d.classid = 'pg_type'::regclass and d.deptype = 'e')
  loop
    execute format('drop %s if exists %s cascade', item.kind, item.name);
  end loop;
  for item in select rolname from pg_roles where rolname !~ '^pg_' and rolname <> current_user and oid >= 16384 loop
    execute format('drop owned by %I cascade', item.rolname);
    execute format('drop role %I', item.rolname);
  end loop;
end
$clean$
