-- The name of a partition: `suffix` appended to the name of the table. If it is longer than 63 bytes, the table's name is
-- cut and eight digits of its hash follow, as by `qicore-db partitions`.
-- since: core.1.2.0
create or replace function qicore.partition_name(parent regclass, suffix text)
returns name
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  base text := (select c.relname from pg_class c where c.oid = parent);
begin
  if octet_length(base || suffix) > 63 then
    -- The hash distinguishes long names with the same beginning. left() cuts characters, not bytes.
    suffix := '_' || left(md5(base), 8) || suffix;
    while octet_length(base || suffix) > 63 loop
      base := left(base, -1);
    end loop;
  end if;
  return base || suffix;
end
$$;
