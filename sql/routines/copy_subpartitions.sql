-- Gives a new partition the same partitions of its own as another one has, at every level. Ranges are refused: those of
-- a new partition are not known.
-- since: core.1.2.0
create or replace function qicore.copy_subpartitions(template regclass, target regclass)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  below record;
  space name;
  base name;
  created text;
begin
  if (select partstrat from pg_partitioned_table where partrelid = template) = 'r' then
    raise exception using errcode = '0A000',
      message = format('%s is partitioned by range itself: the ranges of a new partition are not known', template);
  end if;
  select n.nspname, c.relname into space, base from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target;
  for below in
    select c.oid, c.relkind, pg_get_expr(c.relpartbound, 0) as bound,
      case when starts_with(c.relname, t.relname || '_') then substr(c.relname, length(t.relname) + 1)
      else '_p' || (row_number() over (order by c.relname collate "C") - 1) end as suffix
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class t on t.oid = i.inhparent
    where i.inhparent = template and not i.inhdetachpending
    order by c.relname collate "C"
  loop
    created := base || below.suffix;
    if octet_length(created) > 63 then
      created := left(base, 10) || '_' || left(md5(base), 8) || below.suffix;
    end if;
    created := format('%I.%I', space, created);
    execute format('create table %s partition of %s %s%s', created, target, below.bound,
      case when below.relkind = 'p' then ' partition by ' || pg_get_partkeydef(below.oid) end);
    if below.relkind = 'p' then
      perform qicore.copy_subpartitions(below.oid::regclass, created::regclass);
    end if;
  end loop;
end
$$;
