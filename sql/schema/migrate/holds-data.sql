-- Whether any table that is not ours holds a page of rows: what a migration could spoil. A table that another session has
-- locked ACCESS EXCLUSIVE counts as holding data: its size would be waited for.
-- $1 text[] of tables to leave out, qualified. One row. TimescaleDB: not needed.
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
