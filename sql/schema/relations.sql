-- The tables and views of some schemas with all properties that a definition specifies, comparable between databases:
-- no oids, no positions, no child partitions, no objects of extensions. NOT NULL constraints, which PostgreSQL 18
-- stores in pg_constraint, appear as nullability. Objects without effect are marked: an invalid index left by a failed
-- CREATE INDEX CONCURRENTLY, a disabled trigger.
-- $1 text[] of schema names. One row per relation, each list as JSON. TimescaleDB: not needed.
select
  n.nspname as schema,
  c.relname as name,
  case c.relkind when 'p' then 'partitioned' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind,
  case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as "partitionKey",
  case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as definition,
  (
    select coalesce(json_object_agg(a.attname, json_build_object(
      'type', format_type(a.atttypid, a.atttypmod) || (
        select coalesce(max(' collate ' || quote_ident(l.collname)), '')
        from pg_collation l join pg_type t on t.oid = a.atttypid
        where l.oid = a.attcollation and a.attcollation <> t.typcollation
      ),
      'nullable', not a.attnotnull,
      'default', pg_get_expr(d.adbin, d.adrelid),
      'identity', nullif(a.attidentity, ''),
      'generated', nullif(a.attgenerated, '')
    ) order by a.attname), '{}')
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) as columns,
  (
    select coalesce(json_object_agg(k.conname, pg_get_constraintdef(k.oid) order by k.conname), '{}')
    from pg_constraint k where k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u', 'x')
  ) as constraints,
  (
    select coalesce(json_object_agg(i.relname, pg_get_indexdef(i.oid) || case when x.indisvalid then '' else ' INVALID' end order by i.relname), '{}')
    from pg_index x join pg_class i on i.oid = x.indexrelid
    where x.indrelid = c.oid and not exists (select from pg_constraint k where k.conrelid = c.oid and k.conindid = i.oid)
  ) as indexes,
  (
    select coalesce(json_object_agg(t.tgname,
      pg_get_triggerdef(t.oid) || case t.tgenabled when 'D' then ' DISABLED' when 'R' then ' REPLICA' when 'A' then ' ALWAYS' else '' end
      order by t.tgname), '{}')
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_namespace f on f.oid = p.pronamespace
    -- TimescaleDB creates triggers of its own on a hypertable; their number depends on the version.
    where t.tgrelid = c.oid and not t.tgisinternal and f.nspname not like '\_timescaledb%'
  ) as triggers
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any ($1::text[])
  and c.relkind in ('r', 'p', 'v', 'm')
  and not c.relispartition
  and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
order by n.nspname, c.relname
