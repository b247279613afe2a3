import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {doBlock, ident, list, literal, raw, sql, statement, type Fragment, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {relationOf, writtenColumns, type Inventory, type PolicyFacts} from './inventory.js'
import type {AdoptPeriods} from './periods.js'
import type {RowKey} from './key.js'
import {changesTable, partsTable, stateTable, type AdoptTarget} from './state.js'
import {changeTrigger, copyingSetting, functionSignatures, truncateTrigger, type Staging} from './staging.js'

export interface ShadowRequest {
  inventory: Inventory
  fingerprint: string
  staging: Staging
  column: string
  key: RowKey
  periods: AdoptPeriods
  target: AdoptTarget
}

/** What every step of an adoption has in common: the locked state makes it repeatable. */
export const adoptStep = {
  class: 'undo',
  transaction: 'own',
  doneCheck: null,
  repeatable: true,
  bytes: null,
} as const

/**
 * The step that creates the empty new table, the state, the log and the functions. Other sessions do not notice it.
 * @param table the statements that create the table
 */
export function createShadow(request: ShadowRequest, table: readonly Statement[]): Step {
  const {inventory, staging} = request
  const relation = relationOf(inventory)
  return {
    ...adoptStep,
    id: `create the new ${request.target} of ${relation}`,
    kind: 'adopt prepare',
    object: relation,
    statements: [
      ...schemas(inventory, staging),
      ...table,
      ...rights(inventory, staging),
      ...inventory.policies.flatMap((policy) => createPolicy(staging, inventory.table, policy)),
      ...comments(inventory, staging),
      ...createState(request),
      ...functions(request),
      ...changesOwner(inventory, staging),
    ],
    lock: 'ACCESS SHARE',
    // Its effect is one transaction: if it committed before the connection was lost, the schema exists.
    doneCheck: sql`select exists (select from pg_namespace where nspname = ${staging.schema}::text) as done`,
    dependsOn: [],
    relations: [relation],
  }
}

function schemas({owner}: Inventory, {schema, oldSchema}: Staging): Statement[] {
  return [schema, oldSchema].map((name) => sql`create schema ${ident(name)} authorization ${ident(owner)}`)
}

/** The partitioned table without partitions and without indexes. */
export function emptySet({inventory, staging, column}: ShadowRequest): Statement[] {
  return [
    sql`create table ${ident(staging.schema, inventory.table)} (
  like ${ident(inventory.schema, inventory.table)} ${alike}
) partition by range (${ident(column)})${tablespaceOf(inventory)}`,
  ]
}

/** What the new table copies from the definition of the old one: all but indexes, which keep their names. */
export const alike = raw(
  'including defaults including generated including identity including constraints including storage including ' +
    'compression including comments',
)

export function tablespaceOf({tablespace}: Inventory): Statement {
  return tablespace === null ? sql`` : sql` tablespace ${ident(tablespace)}`
}

/** Owner and privileges as those of the old table, whatever the default privileges of the owner are. */
function rights({owner, table, grants}: Inventory, {schema}: Staging): Statement[] {
  const shadow = ident(schema, table)
  const role = (name: string | null) => (name === null ? raw('public') : ident(name))
  return [
    sql`alter table ${shadow} owner to ${ident(owner)}`,
    doBlock`
declare
  role text;
begin
  for role in
    select distinct case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end
    from pg_class c cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g
    where c.oid = ${shadow.text}::regclass
  loop
    execute format('revoke all on %s from %s', ${shadow.text}::regclass, role);
  end loop;
end`,
    ...grants.map(({grantee, privilege, column, option}) => {
      const columns = column === null ? raw('') : sql` (${ident(column)})`
      const more = option && grantee !== owner ? raw(' with grant option') : raw('')
      return sql`grant ${raw(privilege.toLowerCase())}${columns} on ${shadow} to ${role(grantee)}${more}`
    }),
  ]
}

const commands = {'*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete'} as const

function createPolicy({schema}: Staging, table: string, policy: PolicyFacts): Statement[] {
  const shadow = ident(schema, table)
  const roles = list(policy.roles.map((role) => (role === null ? raw('public') : ident(role))))
  const using = policy.using === null ? raw('') : raw(` using (${policy.using})`)
  const check = policy.check === null ? raw('') : raw(` with check (${policy.check})`)
  const kind = raw(policy.permissive ? 'permissive' : 'restrictive')
  return [
    sql`create policy ${ident(policy.name)} on ${shadow} as ${kind} for ${raw(commands[policy.command])} to ${roles}${using}${check}`,
    ...comment(sql`policy ${ident(policy.name)} on ${shadow}`, policy.comment),
  ]
}

export function comment(object: Statement, text: string | null): Statement[] {
  return text === null ? [] : [sql`comment on ${object} is ${literal(text)}`]
}

function comments({comment: text, table}: Inventory, {schema}: Staging): Statement[] {
  return comment(sql`table ${ident(schema, table)}`, text)
}

function createState({inventory, fingerprint, staging, column, key, periods, target}: ShadowRequest): Statement[] {
  const of = new Map(inventory.columns.map((one) => [one.name, one]))
  const keys = key.columns.map((name, n) => {
    const {type, collation} = of.get(name)!
    return sql`${raw(`k${n + 1}`)} ${raw(type)}${collation === null ? raw('') : raw(` collate ${collation}`)}`
  })
  const written = writtenColumns(inventory)
  const selected = written.map(({text}) => `t.${text}`).join(', ')
  const hashed = inventory.columns.map(({name, hashable}) => `t.${ident(name).text}${hashable ? '' : '::text'}`)
  const shadow = formatQualifiedName(staging.schema, inventory.table)
  return [
    within(staging),
    statement(loadSql('adopt/create-state')),
    sql`create table ${partsTable(staging)} (relation oid primary key, filenode oid not null)`,
    sql`create table ${changesTable(staging)} (id bigint generated always as identity primary key, ${list(keys)},
  truncated boolean not null default false)
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)`,
    sql`insert into ${stateTable(staging)} (phase, source, shadow, target, "column", key_columns, written, selected, hashed, every, zone, ahead,
  fingerprint)
values ('copying', ${inventory.oid}, ${shadow}::regclass, ${target}, ${column}, ${key.columns}::text[], ${written.map(({text}) => text).join(', ')}, ${selected},
  ${hashed.join(', ')}, ${periods.every}, ${periods.zone}, ${periods.ahead}, ${fingerprint})`,
  ]
}

/** Objects without a schema are created in the schema of the adoption, and functions keep this search_path. */
function within({schema}: Staging): Statement {
  return sql`select set_config('search_path', ${`${ident(schema).text}, pg_catalog, pg_temp`}, true)`
}

function functions({staging, key}: ShadowRequest): Statement[] {
  const names = key.columns.map((name) => ident(name))
  const columns = names.map((_, n) => `k${n + 1}`).join(', ')
  const row = (which: string) => names.map(({text}) => `${which}.${text}`).join(', ')
  const changes = changesTable(staging).text
  // Runs as the owner, because a role that may write to the table has no privilege on the log.
  const change = `
begin
  if current_setting('${copyingSetting}', true) = 'on' then
    return null;
  end if;
  if tg_op <> 'INSERT' then
    insert into ${changes} (${columns}) values (${row('old')});
    if tg_op = 'DELETE' or (${row('old')}) is not distinct from (${row('new')}) then
      return null;
    end if;
  end if;
  insert into ${changes} (${columns}) values (${row('new')});
  return null;
end`
  const truncate = `
begin
  if current_setting('${copyingSetting}', true) is distinct from 'on' then
    insert into ${changes} (truncated) values (true);
  end if;
  return null;
end`
  return [
    statement(loadSql('adopt/unique-conflicts')),
    statement(loadSql('adopt/apply-changes')),
    statement(loadSql('adopt/copy-rows')),
    statement(loadSql('adopt/copy-range')),
    statement(loadSql('adopt/note-partitions')),
    statement(loadSql('adopt/compare-rows')),
    ...[
      ['record_change', change],
      ['record_truncate', truncate],
    ].map(
      ([name, body]) =>
        sql`create function ${ident(staging.schema, name!)}() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as ${literal(body!)}`,
    ),
    sql`select set_config('search_path', 'pg_catalog, pg_temp', true)`,
  ]
}

/**
 * The triggers that record changes of a table. ALWAYS: changes that logical replication applies are recorded too; the
 * triggers of a hypertable cannot be so. On the
 * new set they record the changes after the swap, so that the adoption can be undone without losing them.
 */
export function triggersOn({schema}: Staging, table: Fragment, always = true): Statement[] {
  return [
    sql`create trigger ${ident(changeTrigger)} after insert or update or delete on ${table}
for each row execute function ${ident(schema, 'record_change')}()`,
    sql`create trigger ${ident(truncateTrigger)} after truncate on ${table}
for each statement execute function ${ident(schema, 'record_truncate')}()`,
    ...(always
      ? [
          sql`alter table ${table} enable always trigger ${ident(changeTrigger)}, enable always trigger ${ident(truncateTrigger)}`,
        ]
      : []),
  ]
}

export function dropTriggers(table: Fragment): Statement[] {
  return [changeTrigger, truncateTrigger].map((name) => sql`drop trigger if exists ${ident(name)} on ${table}`)
}

function changesOwner({owner}: Inventory, staging: Staging): Statement[] {
  return [
    sql`alter table ${changesTable(staging)} owner to ${ident(owner)}`,
    sql`alter table ${stateTable(staging)} owner to ${ident(owner)}`,
    sql`alter table ${partsTable(staging)} owner to ${ident(owner)}`,
    ...functionSignatures.map(
      (name) => sql`alter function ${ident(staging.schema)}.${raw(name)} owner to ${ident(owner)}`,
    ),
  ]
}
