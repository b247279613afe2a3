-- The functions and procedures of some schemas with their source, except those of extensions.
-- $1 text[] of schema names. One row per routine. TimescaleDB: not needed.
select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as definition
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any ($1::text[])
  and p.prokind in ('f', 'p')
  and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
order by 1
