-- What partitions have of their own that a new partition in their place would not have: a row for each partition and kind
-- of object. Objects that they have from their table are not listed.
-- $1 text[] of qualified names. Columns: relation, what (policies, triggers, rules, publications, readers, foreign_keys,
-- labels, owner, options), names (text[], quoted). Locks only the catalog. TimescaleDB: not needed.
with partition as (
  select p.relation, c.oid, c.relowner, c.relrowsecurity, c.reloptions, i.inhparent
  from unnest($1::text[]) as p (relation)
  join pg_class c on c.oid = to_regclass(p.relation)
  join pg_inherits i on i.inhrelid = c.oid
), own as (
  select p.relation, 'policies' as what, quote_ident(y.polname) as name
  from partition p join pg_policy y on y.polrelid = p.oid
  union all
  select p.relation, 'policies', 'row level security' from partition p
  where p.relrowsecurity and not exists (select from pg_policy y where y.polrelid = p.oid)
  union all
  select p.relation, 'triggers', quote_ident(g.tgname)
  from partition p join pg_trigger g on g.tgrelid = p.oid and not g.tgisinternal and g.tgparentid = 0
  union all
  select p.relation, 'rules', quote_ident(r.rulename) from partition p join pg_rewrite r on r.ev_class = p.oid
  union all
  select p.relation, 'publications', quote_ident(b.pubname)
  from partition p join pg_publication_rel m on m.prrelid = p.oid join pg_publication b on b.oid = m.prpubid
  union all
  select distinct p.relation, 'readers', format('%I.%I', n.nspname, v.relname)
  from partition p
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = p.oid and d.classid = 'pg_rewrite'::regclass
  join pg_rewrite r on r.oid = d.objid and r.ev_class <> p.oid
  join pg_class v on v.oid = r.ev_class
  join pg_namespace n on n.oid = v.relnamespace
  union all
  select distinct p.relation, 'readers', f.oid::regprocedure::text
  from partition p
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = p.oid and d.classid = 'pg_proc'::regclass
  join pg_proc f on f.oid = d.objid
  union all
  select p.relation, 'foreign_keys', quote_ident(k.conname)
  from partition p join pg_constraint k on k.contype = 'f' and p.oid in (k.conrelid, k.confrelid) and k.conparentid = 0
  union all
  select p.relation, 'labels', l.provider
  from partition p join pg_seclabel l on l.classoid = 'pg_class'::regclass and l.objoid = p.oid
  union all
  select p.relation, 'owner', quote_ident(pg_get_userbyid(p.relowner))
  from partition p join pg_class t on t.oid = p.inhparent where t.relowner <> p.relowner
  union all
  select p.relation, 'options', o.option from partition p cross join unnest(p.reloptions) as o (option)
)
select o.relation, o.what, array_agg(o.name order by o.name)::text[] as names
from own o
group by o.relation, o.what
order by o.relation, o.what
