-- Partitioned tables: strategy and key, owner and privileges, default partition, pending detaches, foreign keys; the
-- named ones and all below them.
-- $1 text[] of qualified names of tables (null: every one), $2 the role that would change them. `bytewise`: the key
-- compares text byte by byte. `strategies`: those of the tables below, where its partitions are partitioned themselves.
-- Takes no lock, except for the size of a default partition that no session has locked ACCESS EXCLUSIVE.
-- TimescaleDB: not needed.
with recursive chosen as (
  select p.partrelid as oid
  from pg_partitioned_table p join pg_class c on c.oid = p.partrelid join pg_namespace n on n.oid = c.relnamespace
  where $1::text[] is null
    or (n.nspname, c.relname) in (select (parse_ident(name))[1]::name, (parse_ident(name))[2]::name from unnest($1::text[]) as name)
  union
  select p.partrelid from chosen join pg_inherits i on i.inhparent = chosen.oid join pg_partitioned_table p on p.partrelid = i.inhrelid
)
select
  format('%I.%I', n.nspname, c.relname) as relation, n.nspname as schema, c.relname as table, p.partstrat as strategy, p.partnatts as columns,
  a.attname as column, format_type(a.atttypid, null) as type, owner.rolname as owner,
  (select format('%I.%I', un.nspname, up.relname) from pg_inherits i join pg_class up on up.oid = i.inhparent
   join pg_namespace un on un.oid = up.relnamespace where i.inhrelid = c.oid) as parent,
  case
    when p.partcollation[0] = 0 then null
    -- The database's own collation. Before PostgreSQL 15 it is always one of libc; from 17 on it may be built in.
    when p.partcollation[0] = 100 then (
      select case coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') when 'c' then d.datcollate in ('C', 'POSIX') else to_jsonb(d) ->> 'datlocprovider' = 'b' end
      from pg_database d where d.datname = current_database()
    )
    else (select l.collprovider = 'b' or l.collcollate in ('C', 'POSIX') or l.collname = 'ucs_basic' from pg_collation l where l.oid = p.partcollation[0])
  end as bytewise,
  pg_has_role($2::name, c.relowner, 'usage') as may_change,
  has_schema_privilege(c.relowner, n.oid, 'create') as owner_creates,
  space.spcname as tablespace, am.amname as access_method,
  case when fallback.oid is not null then format('%I.%I', fallback_schema.nspname, fallback.relname) end as default_partition,
  case when fallback.relkind = 'r' and not exists (
    select from pg_locks l where l.relation = fallback.oid and l.granted and l.mode = 'AccessExclusiveLock'
  ) then pg_relation_size(fallback.oid) end as default_bytes,
  exists (select from pg_constraint g where g.conrelid = fallback.oid and g.conname = 'qicore_partition_guard') as guarded,
  children.total as partitions, coalesce(children.subpartitioned, false) as subpartitioned,
  case when children.subpartitioned then array(
    with recursive below as (
      select i.inhrelid as oid from pg_inherits i where i.inhparent = c.oid
      union all
      select i.inhrelid from below join pg_inherits i on i.inhparent = below.oid
    )
    select distinct deeper.partstrat::text from below join pg_partitioned_table deeper on deeper.partrelid = below.oid
  ) else '{}' end as strategies,
  coalesce(children.pending, '{}') as pending,
  coalesce((
    select array_agg(distinct format('%I.%I', fn.nspname, f.relname))
    from pg_constraint k
    join pg_class f on f.oid = case when k.conrelid = c.oid then k.confrelid else k.conrelid end
    join pg_namespace fn on fn.oid = f.relnamespace
    where k.contype = 'f' and c.oid in (k.conrelid, k.confrelid) and f.oid <> c.oid and not f.relispartition
  ), '{}') as related,
  (select en.nspname from pg_extension e join pg_namespace en on en.oid = e.extnamespace where e.extname = 'pg_partman') as partman_schema
from pg_partitioned_table p
join pg_class c on c.oid = p.partrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_roles owner on owner.oid = c.relowner
left join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0] and a.attnum > 0
left join pg_tablespace space on space.oid = c.reltablespace
left join pg_am am on am.oid = c.relam
left join pg_class fallback on fallback.oid = nullif(p.partdefid, 0)
left join pg_namespace fallback_schema on fallback_schema.oid = fallback.relnamespace
left join lateral (
  select count(*)::int as total, bool_or(child.relkind = 'p') as subpartitioned,
    array_agg(format('%I.%I', cn.nspname, child.relname)) filter (where i.inhdetachpending) as pending
  from pg_inherits i
  join pg_class child on child.oid = i.inhrelid
  join pg_namespace cn on cn.oid = child.relnamespace
  where i.inhparent = c.oid
) children on true
where c.oid in (select oid from chosen) and not pg_is_other_temp_schema(c.relnamespace)
order by n.nspname, c.relname
