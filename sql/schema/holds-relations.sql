-- Whether a database has any table or view that belongs to no extension, outside PostgreSQL's own schemas.
-- One row. TimescaleDB: not needed.
select exists (
  select from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema'
    and n.nspname not like 'pg\_%'
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
) as holds
