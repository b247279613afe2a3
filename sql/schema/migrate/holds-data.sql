-- Whether any table outside the package has at least a page of rows that a migration could damage. A table that another
-- session holds under ACCESS EXCLUSIVE counts as having data, because reading its size would wait for that lock.
-- $1 text[] of qualified tables to ignore. One row. TimescaleDB: not needed.
select exists (
  select from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'qicore')
    and n.nspname not like 'pg\_%'
    and n.nspname not in ('_timescaledb_catalog', '_timescaledb_config', '_timescaledb_cache', '_timescaledb_debug')
    and format('%I.%I', n.nspname, c.relname) <> all ($1::text[])
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    and case
      when exists (select from pg_locks l where l.relation = c.oid and l.mode = 'AccessExclusiveLock' and l.granted) then true
      else pg_relation_size(c.oid) > 0
    end
) as holds
