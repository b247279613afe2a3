-- Objects that prevent the drop of tables: views over them, and foreign keys that reference them instead of the parent.
-- $1 text[] of qualified names of tables. Takes no lock. TimescaleDB: not needed.
select given.relation, string_agg(distinct pg_describe_object(d.classid, d.objid, 0), ', ') as dependents
from unnest($1::text[]) as given (relation)
join lateral (
  select 'pg_class'::regclass as classid, r.ev_class as objid
  from pg_depend dep join pg_rewrite r on r.oid = dep.objid
  where dep.classid = 'pg_rewrite'::regclass and dep.refclassid = 'pg_class'::regclass and dep.refobjid = to_regclass(given.relation)
    and r.ev_class <> dep.refobjid
  union
  select 'pg_constraint'::regclass, k.oid
  from pg_constraint k
  where k.contype = 'f' and k.confrelid = to_regclass(given.relation) and k.conparentid = 0
) d on true
group by given.relation
order by given.relation
