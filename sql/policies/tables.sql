-- Facts on which policies of a table depend: its owner, whether this role may change it, its columns and indexes, the
-- tables that its foreign keys reference (dropping a chunk locks them), and the foreign keys that reference it
-- (dropping
-- a chunk may drop them).
-- $1 oid[] of the tables with the rows, $2 the role that makes changes, null for the connected one.
-- One row a table. Locks only the catalog. TimescaleDB: not needed.
select
  c.oid::int8 as relation,
  o.rolname as owner,
  o.rolcanlogin as owner_can_login,
  pg_has_role(me.role, c.relowner, 'usage') as is_owner,
  exists (select from pg_database d where d.datname = current_database() and pg_has_role(me.role, d.datdba, 'usage')) as owns_database,
  array(
    select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum
  ) as columns,
  array(
    select r.relname::text from pg_index i join pg_class r on r.oid = i.indexrelid where i.indrelid = c.oid order by 1
  ) as indexes,
  array(
    select distinct format('%I.%I', n.nspname, r.relname)
    from pg_constraint k join pg_class r on r.oid = k.confrelid join pg_namespace n on n.oid = r.relnamespace
    where k.conrelid = c.oid and k.contype = 'f' order by 1
  ) as references,
  array(
    select format('%I of %I.%I', k.conname, n.nspname, r.relname)
    from pg_constraint k join pg_class r on r.oid = k.conrelid join pg_namespace n on n.oid = r.relnamespace
    where k.confrelid = c.oid and k.contype = 'f' order by 1
  ) as referenced_by
from unnest($1::oid[]) as wanted (oid)
join pg_class c on c.oid = wanted.oid
join pg_roles o on o.oid = c.relowner
cross join (select coalesce($2::name, current_user) as role) as me
