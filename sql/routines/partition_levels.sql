-- The tables that carry the time of a partitioned table: itself, or the tables below it that are partitioned by range of
-- a time key.
-- since: core.1.14.0
-- requires: partition_key
create or replace function qicore.partition_levels(parent regclass, unit text, format text)
returns setof regclass
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  below regclass;
begin
  perform qicore.partition_key(parent, unit, format);
  return next parent;
exception
  when wrong_object_type then
    for below in
      select i.inhrelid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = parent and c.relkind = 'p' order by c.relname
    loop
      return query select qicore.partition_levels(below, unit, format);
    end loop;
end
$$;
