import type {TestDatabase} from '../../helpers/engines.js'

/** Everything that the catalog has about a table, with its own name and all oids made comparable. */
export async function fingerprint({run}: TestDatabase, table: string): Promise<Record<string, unknown>> {
  const [row] = await run<{facts: Record<string, unknown>}>(
    `select jsonb_build_object(
  'class', (select to_jsonb(c) - array['oid', 'relname', 'reltype', 'relfilenode', 'relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relpartbound',
      'relfrozenxid', 'relminmxid', 'reltoastrelid', 'relacl', 'relowner']
    || jsonb_build_object('owner', c.relowner::regrole::text, 'acl', c.relacl::text, 'toast', c.reltoastrelid <> 0,
      'toast options', (select t.reloptions::text from pg_class t where t.oid = c.reltoastrelid))
    from pg_class c where c.oid = $1::regclass),
  'attributes', (select jsonb_agg((to_jsonb(a) - array['attrelid', 'attoptions']) || jsonb_build_object('default', pg_get_expr(d.adbin, d.adrelid),
      -- Some builds write a version of their own into every row.
      'options', (select array_agg(o) from unnest(a.attoptions) o where o not like 'pg_attver=%')) order by a.attnum)
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = $1::regclass and a.attnum > 0),
  'constraints', (select jsonb_agg(
      (to_jsonb(k) - array['oid', 'conrelid', 'conindid', 'conparentid', 'confrelid', 'conbin', 'conpfeqop', 'conppeqop', 'conffeqop'])
      || jsonb_build_object('conname', replace(k.conname, $2, 'TABLE'), 'definition', pg_get_constraintdef(k.oid), 'parent', p.conname, 'parent of', p.conrelid::regclass::text,
        'refers to', k.confrelid::regclass::text, 'index', replace(k.conindid::regclass::text, $2, 'TABLE'), 'of', replace(k.conrelid::regclass::text, $2, 'TABLE'))
      order by k.contype, replace(k.conname, $2, 'TABLE'), k.confrelid::regclass::text)
    from pg_constraint k left join pg_constraint p on p.oid = k.conparentid where k.conrelid = $1::regclass),
  'indexes', (select jsonb_agg(
      (to_jsonb(i) - array['indexrelid', 'indrelid', 'indexprs', 'indpred'])
      || jsonb_build_object('definition', replace(pg_get_indexdef(i.indexrelid), $2, 'TABLE'), 'parent', h.inhparent::regclass::text, 'options', c.reloptions::text,
        'tablespace', c.reltablespace, 'owner', c.relowner::regrole::text, 'am', c.relam, 'persistence', c.relpersistence, 'is partition', c.relispartition)
      order by replace(c.relname, $2, 'TABLE'))
    from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_inherits h on h.inhrelid = i.indexrelid where i.indrelid = $1::regclass),
  'triggers', (select jsonb_agg(
      (to_jsonb(t) - array['oid', 'tgrelid', 'tgparentid', 'tgconstraint', 'tgconstrindid', 'tgname', 'tgqual', 'tgconstrrelid'])
      || jsonb_build_object('name', case when t.tgisinternal then 'internal' else t.tgname end, 'parent', p.tgrelid::regclass::text, 'constraint', regexp_replace(replace(k.conname, $2, 'TABLE'), '_fkey_?\\d*$', '_fkey'), 'other', t.tgconstrrelid::regclass::text)
      order by t.tgisinternal, t.tgtype, t.tgfoid, case when t.tgisinternal then '' else t.tgname end, regexp_replace(replace(k.conname, $2, 'TABLE'), '_fkey_?\\d*$', '_fkey'))
    from pg_trigger t left join pg_trigger p on p.oid = t.tgparentid left join pg_constraint k on k.oid = t.tgconstraint where t.tgrelid = $1::regclass),
  'comments', (select jsonb_agg(description) from pg_description where objoid = $1::regclass),
  'statistics', (select count(*) from pg_statistic_ext where stxrelid = $1::regclass),
  'policies', (select count(*) from pg_policy where polrelid = $1::regclass),
  'publications', (select count(*) from pg_publication_rel where prrelid = $1::regclass),
  'dependencies', (select jsonb_agg(jsonb_build_object('n', n, 'type', deptype, 'kind', kind) order by kind, deptype)
    from (select count(*) as n, deptype, refclassid::regclass::text || ' ' || refobjsubid as kind from pg_depend where classid = 'pg_class'::regclass and objid = $1::regclass group by 2, 3) d)
) as facts`
      .replaceAll('$1', `'${table}'`)
      .replaceAll('$2', `'${table.split('.').at(-1)}'`),
  )
  return row!.facts
}
