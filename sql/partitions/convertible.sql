-- What a conversion of the partitions of a table needs to know, and what forbids it. $1 the qualified name of the table.
-- One row. Takes no lock. TimescaleDB: not needed.
select
  exists (select from pg_am where amname = 'columnar') as has_columnar,
  array(
    select a.attname from pg_attribute a
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum
  )::text[] as columns,
  array(
    select quote_ident(k.conname) from pg_constraint k
    where k.contype = 'f' and t.oid in (k.conrelid, k.confrelid) order by k.conname
  ) as foreign_keys,
  array(
    -- Triggers AFTER a row: neither BEFORE (2) nor INSTEAD (64), and ROW (1).
    select quote_ident(g.tgname) from pg_trigger g
    where g.tgrelid = t.oid and not g.tgisinternal and g.tgtype & 1 = 1 and g.tgtype & 66 = 0 order by g.tgname
  ) as triggers,
  array(
    select quote_ident(i.relname) from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_am m on m.oid = i.relam
    where x.indrelid = t.oid and m.amname not in ('btree', 'hash') order by i.relname
  ) as indexes
from pg_class t
where t.oid = to_regclass($1)
