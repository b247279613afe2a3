import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {doBlock, statement, type Statement} from '../db/sql.js'

/** What a partition has of its own, apart from its table; names are quoted. */
export interface OwnObjects {
  relation: string
  what: 'policies' | 'triggers' | 'rules' | 'publications' | 'readers' | 'foreign_keys' | 'labels' | 'owner' | 'options'
  names: string[]
}

/** @param relations qualified names of partitions */
export async function readOwnObjects(db: Database, relations: readonly string[]): Promise<OwnObjects[]> {
  return db.query<OwnObjects>(statement(loadSql('partitions/own-objects'), [[...relations]]))
}

const words: Record<Exclude<OwnObjects['what'], 'options'>, string> = {
  policies: 'row security of its own',
  triggers: 'triggers of its own',
  rules: 'rules',
  publications: 'a publication that names it',
  readers: 'views or functions that read it',
  foreign_keys: 'foreign keys of its own',
  labels: 'security labels',
  owner: 'another owner than its table',
}

/** Why a partition cannot be replaced by a new one without a loss: one clause for each kind; empty if it can. */
export function notCarriedOver(objects: readonly OwnObjects[], relation: string): string[] {
  return objects
    .filter((one) => one.relation === relation)
    .flatMap(({what, names}) => (what === 'options' ? [] : [`${words[what]} (${names.join(', ')})`]))
}

/** The storage parameters of a partition, `fillfactor=70`. */
export function optionsOf(objects: readonly OwnObjects[], relation: string): string[] {
  return objects.flatMap((one) => (one.relation === relation && one.what === 'options' ? one.names : []))
}

/**
 * Gives a new table what LIKE does not copy from the old one: privileges, comment, statistics targets and options of
 * columns, and the replica identity. Read from the catalog when it runs, so that a change since the plan is not lost.
 * @param options whether storage parameters are kept too; columnar storage has none
 */
export function carryOver(from: string, to: string, {options}: {options: boolean}): Statement {
  return doBlock`
declare
  was constant regclass := ${from}::regclass;
  made constant regclass := ${to}::regclass;
  one record;
begin
  -- Default privileges of the owner may have given others than the old table had.
  for one in
    select distinct e.grantee from pg_class c cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e
    where c.oid = made
  loop
    execute format('revoke all on table %s from %s', made, case when one.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(one.grantee)) end);
  end loop;
  for one in
    select e.grantee, e.privilege_type as privilege, e.is_grantable, '' as columns
    from pg_class c cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e
    where c.oid = was
    union all
    select e.grantee, e.privilege_type, e.is_grantable, format(' (%I)', a.attname)
    from pg_attribute a cross join lateral aclexplode(a.attacl) e
    where a.attrelid = was and a.attnum > 0 and not a.attisdropped
  loop
    execute format('grant %s%s on table %s to %s%s', one.privilege, one.columns, made,
      case when one.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(one.grantee)) end,
      case when one.is_grantable then ' with grant option' else '' end);
  end loop;
  if obj_description(was, 'pg_class') is not null then
    execute format('comment on table %s is %L', made, obj_description(was, 'pg_class'));
  end if;
  for one in
    select a.attname, a.attstattarget as target, (
      -- The documented options: a server may keep others of its own there.
      select string_agg(format('%I = %L', o.option_name, o.option_value), ', ') from pg_options_to_table(a.attoptions) o
      where o.option_name like 'n\\_distinct%'
    ) as settings
    from pg_attribute a
    where a.attrelid = was and a.attnum > 0 and not a.attisdropped
  loop
    if one.target >= 0 then
      execute format('alter table %s alter column %I set statistics %s', made, one.attname, one.target);
    end if;
    if one.settings is not null then
      execute format('alter table %s alter column %I set (%s)', made, one.attname, one.settings);
    end if;
  end loop;
  for one in
    select c.relreplident as identity, (
      -- The index of the new table with the same columns.
      select quote_ident(n.relname)
      from pg_index x
      join pg_index y on y.indrelid = made and y.indisunique and y.indpred is null and y.indimmediate
      join pg_class n on n.oid = y.indexrelid
      where x.indrelid = was and x.indisreplident and x.indnatts = y.indnatts and not exists (
        select 1 from generate_series(1, x.indnatts) k
        where pg_get_indexdef(x.indexrelid, k, false) <> pg_get_indexdef(y.indexrelid, k, false)
      )
      limit 1
    ) as identity_index
    from pg_class c where c.oid = was and c.relreplident <> 'd'
  loop
    execute format('alter table %s replica identity %s', made,
      case one.identity when 'f' then 'full' when 'n' then 'nothing' else 'using index ' || one.identity_index end);
  end loop;
  for one in
    select o.option_name, o.option_value from pg_class c cross join lateral pg_options_to_table(c.reloptions) o
    where c.oid = was and ${options ? 'yes' : 'no'} = 'yes'
  loop
    execute format('alter table %s set (%I = %L)', made, one.option_name, one.option_value);
  end loop;
end`
}
