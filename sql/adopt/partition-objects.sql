-- What only partitions of a set have, and not the set itself: it would stay with the old table.
-- $1 oid of the set. `kind` is the kind of the object, `object` its name with the partition. Takes ACCESS SHARE on the
-- partitions. TimescaleDB: not needed.
with part as (
  select t.relid as oid, c.relkind as kind from pg_partition_tree($1::int8::oid) t join pg_class c on c.oid = t.relid where t.level > 0
)
select 'foreign table' as kind, oid::regclass::text as object from part where kind = 'f'
union all
select 'foreign key', format('%I of %s', k.conname, k.conrelid::regclass)
from pg_constraint k join part on part.oid in (k.confrelid, k.conrelid)
where k.contype = 'f' and k.conparentid = 0
union all
select 'constraint', format('%I of %s', k.conname, k.conrelid::regclass)
from pg_constraint k join part on part.oid = k.conrelid where k.contype = 'c' and k.coninhcount = 0
union all
select 'index', i.indexrelid::regclass::text
from pg_index i join part on part.oid = i.indrelid
where not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
union all
select 'trigger', format('%I of %s', t.tgname, t.tgrelid::regclass)
from pg_trigger t join part on part.oid = t.tgrelid where not t.tgisinternal and t.tgparentid = 0
union all
select 'publication', format('%I of %s', p.pubname, r.prrelid::regclass)
from pg_publication_rel r join part on part.oid = r.prrelid join pg_publication p on p.oid = r.prpubid
union all
select distinct 'view', v.oid::regclass::text
from pg_depend d join pg_rewrite r on r.oid = d.objid join part on part.oid = d.refobjid
join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm') and v.oid <> part.oid
where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
order by 1, 2
