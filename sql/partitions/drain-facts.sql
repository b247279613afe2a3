-- What decides whether and how the rows of a default partition can be moved.
-- $1 qualified name of the set, $2 that of its default partition. `columns`: those that a moved row is written with;
-- `foreign_keys`: constraints of the set, as SQL, which a partition gets before it has rows; `referencing`: foreign keys
-- of other tables; `on_delete`, `on_insert`: row triggers that a moved row, and a row that is written elsewhere, would
-- fire or miss; `adopted`: an adoption whose old table is kept records its changes; `publications`: those that send deletes of the partition. Takes no lock. TimescaleDB: not needed. One
-- row.
with given as (
  select
    (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = (parse_ident($1))[1]::name and c.relname = (parse_ident($1))[2]::name) as parent,
    (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = (parse_ident($2))[1]::name and c.relname = (parse_ident($2))[2]::name) as rest
), above as (
  with recursive up as (
    select rest as oid from given
    union all
    select i.inhparent from up join pg_inherits i on i.inhrelid = up.oid
  )
  select u.oid, n.nspname, c.relname from up u join pg_class c on c.oid = u.oid join pg_namespace n on n.oid = c.relnamespace
)
select c.relkind as kind, row_security_active(c.oid) as filtered,
  array(select a.attname::text from pg_attribute a where a.attrelid = g.parent and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns,
  array(
    select format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid)) from pg_constraint k
    where k.conrelid = g.parent and k.contype = 'f'
      -- A key that references a partitioned table has a row for each of that table's partitions too.
      and not exists (select from pg_constraint above where above.oid = k.conparentid and above.conrelid = k.conrelid)
    order by k.conname
  ) as foreign_keys,
  array(
    select distinct format('%I of %s', k.conname, k.conrelid::regclass) from pg_constraint k
    where k.contype = 'f' and k.confrelid in (select oid from above) and k.conparentid = 0 order by 1
  ) as referencing,
  array(
    select t.tgname::text from pg_trigger t where t.tgrelid = g.rest and not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 8 <> 0 order by 1
  ) as on_delete,
  exists (
    select from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
    where t.tgrelid = g.rest and starts_with(n.nspname, 'qicore_adopt_')
  ) as adopted,
  array(
    select t.tgname::text from pg_trigger t
    where t.tgrelid = g.rest and not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 4 <> 0 and t.tgtype & 2 = 0 order by 1
  ) as on_insert,
  array(
    select distinct p.pubname::text from pg_publication p join pg_publication_tables pt on pt.pubname = p.pubname
    join above on above.nspname = pt.schemaname and above.relname = pt.tablename
    where p.pubdelete order by 1
  ) as publications
from given g join pg_class c on c.oid = g.rest
