-- Everything that belongs to a table or depends on it, as one JSON document; its text changes only if a definition
-- changes. Names in definitions are qualified, because the search_path is pg_catalog. Objects of an adoption (in the
-- schemas $2) and those of TimescaleDB itself are left out. Takes no lock on the table, except the short ones of pg_get_* functions.
-- $1 oid of the table, $2 text[] of schemas. PostgreSQL 15 or later. TimescaleDB: not needed.
select json_build_object(
  'oid', c.oid::int8, 'schema', n.nspname, 'table', c.relname, 'kind', c.relkind, 'persistence', c.relpersistence,
  'owner', owner.rolname, 'isPartition', c.relispartition, 'typed', c.reloftype <> 0, 'rowSecurity', c.relrowsecurity,
  'forceRowSecurity', c.relforcerowsecurity, 'replicaIdentity', c.relreplident,
  'tablespace', space.spcname, 'accessMethod', am.amname,
  'options', coalesce(c.reloptions, '{}'), 'toastOptions', coalesce(toast.reloptions, '{}'),
  'comment', obj_description(c.oid, 'pg_class'),
  'grants', coalesce((
    select json_agg(json_build_object('grantee', g.who, 'privilege', g.privilege_type, 'column', g.attname, 'option', g.is_grantable)
      order by g.attname nulls first, g.who, g.privilege_type)
    from (
      select case when e.grantee = 0 then null else pg_get_userbyid(e.grantee) end as who, e.privilege_type, null::name as attname, e.is_grantable
      from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e
      union all
      select case when e.grantee = 0 then null else pg_get_userbyid(e.grantee) end, e.privilege_type, a.attname, e.is_grantable
      from pg_attribute a cross join lateral aclexplode(a.attacl) e
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) g
  ), '[]'),
  'columns', (
    select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'bareType', format_type(a.atttypid, null),
      'collation', (select format('%I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
        where co.oid = a.attcollation and a.attcollation <> t.typcollation),
      'bytewise', case
        when a.attcollation = 0 then null
        when a.attcollation = 100 then (
          select case d.datlocprovider when 'c' then d.datcollate in ('C', 'POSIX') else d.datlocprovider = 'b' end
          from pg_database d where d.datname = current_database()
        )
        else (select l.collprovider = 'b' or l.collcollate in ('C', 'POSIX') from pg_collation l where l.oid = a.attcollation)
      end,
      'notNull', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated,
      'default', pg_get_expr(d.adbin, d.adrelid), 'statisticsTarget', nullif(a.attstattarget, -1), 'options', array(select o from unnest(a.attoptions) o where o ~ '^n_distinct' order by o),
      'hashable', coalesce(elem.typcategory, t.typcategory) = 'S' or t.typtype = 'e' or exists (
        select from pg_opclass o join pg_am m on m.oid = o.opcmethod and m.amname = 'hash'
        where o.opcdefault and o.opcintype = coalesce(elem.oid, nullif(t.typbasetype, 0), t.oid))
      ) order by a.attnum)
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_type elem on elem.oid = t.typelem and t.typcategory = 'A'
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ),
  'indexes', coalesce((
    select json_agg(json_build_object('name', ic.relname, 'unique', i.indisunique, 'primary', i.indisprimary, 'valid', i.indisvalid,
      'clustered', i.indisclustered, 'replicaIdentity', i.indisreplident, 'constraint', k.conname, 'constraintType', k.contype,
      'deferrable', coalesce(k.condeferrable, false), 'partial', i.indpred is not null, 'options', coalesce(ic.reloptions, '{}'),
      'tablespace', (select t.spcname from pg_tablespace t where t.oid = ic.reltablespace), 'method', iam.amname,
      'columns', (select coalesce(json_agg(coalesce(a.attname, '') order by u.position), '[]')
        from unnest(i.indkey::int2[]) with ordinality u (attnum, position)
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attnum and u.attnum > 0
        where u.position <= i.indnkeyatts),
      'definition', substr(pg_get_indexdef(i.indexrelid), 1 + length(format('CREATE %sINDEX %I ON %s%I.%I ',
        case when i.indisunique then 'UNIQUE ' else '' end, ic.relname, case when c.relkind = 'p' then 'ONLY ' else '' end, n.nspname, c.relname))),
      'constraintDefinition', pg_get_constraintdef(k.oid),
      'comment', obj_description(i.indexrelid, 'pg_class'), 'constraintComment', obj_description(k.oid, 'pg_constraint')
      ) order by ic.relname)
    from pg_index i
    join pg_class ic on ic.oid = i.indexrelid
    join pg_am iam on iam.oid = ic.relam
    left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') and k.conrelid = c.oid
    where i.indrelid = c.oid
  ), '[]'),
  'checks', coalesce((
    select json_agg(json_build_object('name', k.conname, 'valid', k.convalidated, 'noInherit', k.connoinherit) order by k.conname)
    from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
  ), '[]'),
  'foreignKeys', coalesce((
    select json_agg(json_build_object('name', k.conname, 'valid', k.convalidated, 'definition', pg_get_constraintdef(k.oid),
      'references', format('%I.%I', rn.nspname, r.relname), 'self', k.confrelid = c.oid,
      'comment', obj_description(k.oid, 'pg_constraint')) order by k.conname)
    from pg_constraint k
    join pg_class r on r.oid = k.confrelid
    join pg_namespace rn on rn.oid = r.relnamespace
    where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
  ), '[]'),
  'referencedBy', coalesce((
    select json_agg(json_build_object('name', k.conname, 'valid', k.convalidated, 'definition', pg_get_constraintdef(k.oid),
      'schema', rn.nspname, 'table', r.relname, 'kind', r.relkind, 'comment', obj_description(k.oid, 'pg_constraint'))
      order by rn.nspname, r.relname, k.conname)
    from pg_constraint k
    join pg_class r on r.oid = k.conrelid
    join pg_namespace rn on rn.oid = r.relnamespace
    where k.confrelid = c.oid and k.conrelid <> c.oid and k.contype = 'f' and k.conparentid = 0 and rn.nspname <> all ($2::text[])
  ), '[]'),
  'triggers', coalesce((
    select json_agg(json_build_object('name', t.tgname, 'definition', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
      'row', t.tgtype & 1 = 1, 'transitionTables', t.tgoldtable is not null or t.tgnewtable is not null,
      'comment', obj_description(t.oid, 'pg_trigger')) order by t.tgname)
    from pg_trigger t
    join pg_proc p on p.oid = t.tgfoid
    join pg_namespace pn on pn.oid = p.pronamespace
    where t.tgrelid = c.oid and not t.tgisinternal and pn.nspname <> all ($2::text[]) and pn.nspname !~ '^_timescaledb'
  ), '[]'),
  'policies', coalesce((
    select json_agg(json_build_object('name', p.polname, 'permissive', p.polpermissive, 'command', p.polcmd,
      'roles', (select json_agg(case when role = 0 then null else pg_get_userbyid(role) end) from unnest(p.polroles) as role),
      'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
      'comment', obj_description(p.oid, 'pg_policy')) order by p.polname)
    from pg_policy p where p.polrelid = c.oid
  ), '[]'),
  'publications', coalesce((
    select json_agg(json_build_object('name', p.pubname, 'viaRoot', p.pubviaroot, 'filter', pg_get_expr(r.prqual, r.prrelid),
      'columns', (select json_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum = any (r.prattrs::int2[]))
      ) order by p.pubname)
    from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = c.oid
  ), '[]'),
  'widePublications', coalesce((
    select json_agg(p.pubname order by p.pubname) from pg_publication p
    where p.puballtables or exists (select from pg_publication_namespace s where s.pnpubid = p.oid and s.pnnspid = c.relnamespace)
  ), '[]'),
  'sequences', coalesce((
    select json_agg(json_build_object('schema', sn.nspname, 'name', s.relname, 'column', a.attname, 'identity', d.deptype = 'i') order by a.attnum)
    from pg_depend d
    join pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_namespace sn on sn.oid = s.relnamespace
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.deptype in ('a', 'i')
  ), '[]'),
  'statistics', coalesce((
    select json_agg(json_build_object('schema', sn.nspname, 'name', s.stxname, 'definition', pg_get_statisticsobjdef(s.oid),
      'owner', pg_get_userbyid(s.stxowner), 'comment', obj_description(s.oid, 'pg_statistic_ext')) order by sn.nspname, s.stxname)
    from pg_statistic_ext s join pg_namespace sn on sn.oid = s.stxnamespace where s.stxrelid = c.oid
  ), '[]'),
  'views', coalesce((
    select json_agg(json_build_object('schema', vn.nspname, 'name', v.relname, 'kind', v.relkind, 'options', coalesce(v.reloptions, '{}'),
      'definition', pg_get_viewdef(v.oid)) order by vn.nspname, v.relname)
    from (select distinct r.ev_class from pg_depend d join pg_rewrite r on r.oid = d.objid
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and r.ev_class <> c.oid) x
    join pg_class v on v.oid = x.ev_class and v.relkind in ('v', 'm')
    join pg_namespace vn on vn.oid = v.relnamespace
  ), '[]'),
  'rules', coalesce((select json_agg(r.rulename order by r.rulename) from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN'), '[]'),
  'inherits', coalesce((select json_agg(i.inhparent::regclass::text) from pg_inherits i where i.inhrelid = c.oid), '[]'),
  'inheritedBy', coalesce((select json_agg(x.child) from (select i.inhrelid::regclass::text as child from pg_inherits i join pg_class child on child.oid = i.inhrelid
      where i.inhparent = c.oid and c.relkind <> 'p' and child.relnamespace::regnamespace::text !~ '^_timescaledb' limit 3) x), '[]'),
  'labels', (select count(*) from pg_seclabel l where l.classoid = 'pg_class'::regclass and l.objoid = c.oid),
  'extension', (select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'),
  'others', coalesce((
    select json_agg(x.object order by x.object) from (
      select distinct pg_describe_object(d.classid, d.objid, 0) as object
      from pg_depend d
      left join pg_class dc on d.classid = 'pg_class'::regclass and dc.oid = d.objid
      left join pg_trigger dt on d.classid = 'pg_trigger'::regclass and dt.oid = d.objid
      left join pg_policy dp on d.classid = 'pg_policy'::regclass and dp.oid = d.objid
      left join pg_rewrite dr on d.classid = 'pg_rewrite'::regclass and dr.oid = d.objid
      left join pg_class view on view.oid = dr.ev_class
      where d.deptype <> 'e' and (
        (d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and case
          when d.classid = 'pg_class'::regclass then dc.relkind not in ('i', 'I', 't', 'S') and not dc.relispartition and dc.oid <> c.oid
            and dc.relnamespace::regnamespace::text !~ '^_timescaledb'
          when d.classid = 'pg_trigger'::regclass then dt.tgrelid <> c.oid and not dt.tgisinternal
          when d.classid = 'pg_policy'::regclass then dp.polrelid <> c.oid
          when d.classid = 'pg_rewrite'::regclass then dr.ev_class <> c.oid and view.relkind not in ('v', 'm')
          when d.classid in ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_type'::regclass, 'pg_statistic_ext'::regclass,
            'pg_publication_rel'::regclass) then false
          else true end)
        or (d.refclassid = 'pg_type'::regclass and d.refobjid in (select y.oid from pg_type y where y.oid = c.reltype or y.typelem = c.reltype)
          and d.classid <> 'pg_type'::regclass and not (d.classid = 'pg_class'::regclass and d.objid = c.oid)))
    ) x
  ), '[]')
) as doc
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles owner on owner.oid = c.relowner
left join pg_tablespace space on space.oid = c.reltablespace
left join pg_am am on am.oid = c.relam
left join pg_class toast on toast.oid = c.reltoastrelid
where c.oid = $1::int8::oid
