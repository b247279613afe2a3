-- Exact bytes of tables with their indexes and TOAST, as pg_total_relation_size counts them, read from the directory:
-- no table is opened or locked, and the backend keeps no relcache entry for each of them. Needs EXECUTE on pg_ls_dir
-- and pg_stat_file. `bytes` is null if a relation has no file there, and has to be measured otherwise.
-- Nearly all files are the first of their relation, and their names are in pg_class: asking for their sizes takes most
-- of the time, so the subquery is one that parallel workers can run. The directory is listed for the others.
-- $1 oid[] of tables, $2 whether the bytes of the indexes alone are wanted. Needs work_mem for one row a file.
-- TimescaleDB: not needed.
select
  part.relation, case when bool_and(part.complete) then sum(part.bytes)::int8 end as bytes,
  case when $2::bool then sum(part.index_bytes)::int8 end as index_bytes
from (
  select
    coalesce(t.oid, i.indrelid, file.oid)::int8 as relation, sum(file.bytes) as bytes,
    coalesce(sum(file.bytes) filter (where i.indexrelid is not null and t.oid is null), 0) as index_bytes,
    count(file.bytes) = count(*) as complete
  from (
    select c.oid, (pg_stat_file(case when c.reltablespace = 0
      then (select regexp_replace(pg_relation_filepath('pg_class'::regclass), '[^/]*$', '')) || c.relfilenode
      else pg_relation_filepath(c.oid) end, true)).size as bytes
    from pg_class c
    where c.relfilenode <> 0 and not c.relisshared
  ) as file
  left join pg_index i on i.indexrelid = file.oid
  left join pg_class t on t.reltoastrelid = coalesce(i.indrelid, file.oid) and t.reltoastrelid <> 0
  where coalesce(t.oid, i.indrelid, file.oid) = any ($1::oid[])
  group by 1
  union all
  select
    coalesce(t.oid, i.indrelid, file.oid)::int8, sum(file.bytes),
    coalesce(sum(file.bytes) filter (where i.indexrelid is not null and t.oid is null), 0), count(file.bytes) = count(*)
  from (
    -- Further segments of 1 GB and other forks: 16384.1, 16384_fsm.
    select c.oid, (pg_stat_file(directory.path || name, true)).size as bytes
    from (
      select 0::oid as tablespace, regexp_replace(pg_relation_filepath('pg_class'::regclass), '[^/]*$', '') as path
      union all
      select used.reltablespace, regexp_replace(pg_relation_filepath(min(used.oid)), '[^/]*$', '')
      from pg_class used
      where used.reltablespace > 0 and used.relfilenode <> 0 and used.relpersistence <> 't' and not used.relisshared
      group by 1
    ) as directory
    cross join lateral pg_ls_dir(directory.path) as name
    join pg_class c on c.relfilenode = split_part(translate(name, '_', '.'), '.', 1)::oid and c.reltablespace = directory.tablespace
    where name collate "C" >= '1' and name collate "C" < ':' and (name like '%.%' or name like '%\_%')
  ) as file
  left join pg_index i on i.indexrelid = file.oid
  left join pg_class t on t.reltoastrelid = coalesce(i.indrelid, file.oid) and t.reltoastrelid <> 0
  where coalesce(t.oid, i.indrelid, file.oid) = any ($1::oid[])
  group by 1
) as part
group by part.relation
