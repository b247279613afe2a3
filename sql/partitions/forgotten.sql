-- Plain tables that look like a partition that was taken out of its set: in its schema, with its name and a year behind
-- it, and with all of its columns. Those with the mark of a drop are not listed.
-- $1 what the comment of a marked table begins with. Bytes of the last VACUUM or ANALYZE, null where nothing was ever
-- measured. Locks catalogues only. TimescaleDB: not needed.
select p.oid::int8 as parent, format('%I.%I', n.nspname, p.relname) as of, c.oid::int8 as oid, n.nspname as schema, c.relname as name,
  case when c.relpages > 0 or c.reltuples >= 0 then (c.relpages + (
    select coalesce(sum(x.relpages), 0) from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid
  ))::int8 * current_setting('block_size')::int8 end as bytes,
  nullif(c.reltuples, -1)::int8 as rows
from pg_partitioned_table k
join pg_class p on p.oid = k.partrelid and not p.relispartition
join pg_namespace n on n.oid = p.relnamespace
join pg_class c on c.relnamespace = p.relnamespace and c.relkind = 'r' and not c.relispartition and starts_with(c.relname, p.relname || '_')
where substr(c.relname, length(p.relname) + 2) ~ '^[a-z]{0,2}_?(19|20)\d\d'
  and not exists (select from pg_inherits h where h.inhrelid = c.oid)
  and not starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), $1)
  and not exists (
    select from pg_attribute a
    where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped
      and not exists (select from pg_attribute b where b.attrelid = c.oid and b.attname = a.attname and b.atttypid = a.atttypid and not b.attisdropped)
  )
order by n.nspname, c.relname
