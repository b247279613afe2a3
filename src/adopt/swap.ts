import {formatQualifiedName} from '../db/qualified-name.js'
import {doBlock, ident, raw, sql, type Fragment, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {quotedOption} from './fill.js'
import {applyAll, applyMost} from './changes.js'
import {inventoryQuery, relationOf, type Inventory, type PublicationFacts, type TriggerFacts} from './inventory.js'
import {adoptStep, comment, dropTriggers} from './shadow.js'
import {lockState, stateTable} from './state.js'
import type {Staging} from './staging.js'

/** The two tables of a swap; both have the same name. */
interface Swap {
  /** The table that has the name now, with all that depends on it. */
  inventory: Inventory
  staging: Staging
  /** Where it goes, and where the other one is. */
  away: string
  from: string
}

/**
 * The step that gives the name of the table to the new set. Until the ACCESS EXCLUSIVE lock is granted nothing is
 * changed; changes that other sessions commit before that are applied under the lock. Statements are sent in one round
 * trip, so that the lock is held for as long as the server needs only.
 */
export function swapStep(inventory: Inventory, staging: Staging, fingerprint: string): Step {
  const both: Swap = {inventory, staging, away: staging.oldSchema, from: staging.schema}
  const [now, other] = tables(both)
  return {
    ...swapShape(inventory, `swap ${relationOf(inventory)} with the new table`),
    statements: [
      lockState(staging),
      // Excludes ALTER TABLE, but no reads and writes, while definitions are compared and most changes are applied.
      sql`lock table only ${now} in share update exclusive mode`,
      requireFingerprint(inventory, staging, fingerprint),
      ...notePartitions(inventory, staging),
      applyMost(staging, {from: now, to: other}),
      sql`lock table ${now} in access exclusive mode`,
      ...notePartitions(inventory, staging),
      applyAll(staging, {from: now, to: other}),
      ...swap(both),
      ...inventory.triggers.flatMap((trigger) => createTrigger(now, trigger)),
      ...rowSecurity(inventory, now),
      sql`update ${stateTable(staging)} set phase = 'swapped', swapped_at = clock_timestamp()`,
    ],
  }
}

function notePartitions({kind}: Inventory, {schema}: Staging): Statement[] {
  return kind === 'p' ? [sql`select ${ident(schema, 'note_partitions')}()`] : []
}

/** The step that gives the name back to the old table, with every change that was made since. */
export function swapBackStep(inventory: Inventory, staging: Staging): Step {
  const both: Swap = {inventory, staging, away: staging.schema, from: staging.oldSchema}
  const [now, other] = tables(both)
  return {
    ...swapShape(inventory, `give ${relationOf(inventory)} its name back`),
    statements: [
      lockState(staging),
      applyMost(staging, {from: now, to: other}),
      sql`lock table ${now} in access exclusive mode`,
      applyAll(staging, {from: now, to: other}),
      ...swap(both),
      ...dropTriggers(now),
      sql`update ${stateTable(staging)} set phase = 'undone'`,
    ],
  }
}

function swapShape(inventory: Inventory, id: string): Omit<Step, 'statements'> {
  const references = inventory.referencedBy.map(({schema, table}) => formatQualifiedName(schema, table))
  const views = inventory.views.map(({schema, name}) => formatQualifiedName(schema, name))
  return {
    ...adoptStep,
    id,
    kind: 'adopt swap',
    object: relationOf(inventory),
    lock: 'ACCESS EXCLUSIVE',
    doneCheck: sql`
select coalesce(to_regclass(${relationOf(inventory)}::text)::oid::int8, 0) <> ${inventory.oid}::int8 as done`,
    dependsOn: [],
    relations: [relationOf(inventory), ...references, ...views],
  }
}

function tables({inventory: {schema, table}, from}: Swap): [now: Fragment, other: Fragment] {
  return [ident(schema, table), ident(from, table)]
}

/** Raises an error if a definition was changed after the new set was created: it would be lost. */
function requireFingerprint(inventory: Inventory, staging: Staging, fingerprint: string): Statement {
  const query = inventoryQuery(inventory.oid, staging)
  return doBlock`
begin
  if (select md5(doc::text) from (
${query}
  ) as found) is distinct from ${fingerprint} then
    raise exception using errcode = '55000', message = ${`the definition of ${relationOf(inventory)}, or of an object that depends on it, was changed after its copy was begun`},
      hint = 'Remove the copy with --undo and begin again: the copy does not have that change.';
  end if;
end`
}

/** Moves both tables, and what refers to the one that has the name. */
function swap(both: Swap): Statement[] {
  const {inventory, away} = both
  const [now, other] = tables(both)
  const owned = inventory.sequences.filter(({identity}) => !identity)
  return [
    ...inventory.sequences.filter(({identity}) => identity).map((sequence) => continueIdentity(both, sequence.column)),
    ...owned.map(({schema, name}) => sql`alter sequence ${ident(schema, name)} owned by none`),
    ...inventory.referencedBy.map(
      ({schema, table, name}) => sql`alter table ${ident(schema, table)} drop constraint ${ident(name)}`,
    ),
    ...inventory.publications.map(({name}) => sql`alter publication ${ident(name)} drop table ${now}`),
    sql`alter table ${now} set schema ${ident(away)}`,
    sql`alter table ${other} set schema ${ident(inventory.schema)}`,
    ...owned.map(
      ({schema, name, column}) => sql`alter sequence ${ident(schema, name)} owned by ${now}.${ident(column)}`,
    ),
    // NOT VALID: the rows are checked after the swap, without this lock.
    ...inventory.referencedBy.flatMap(({schema, table, name, definition, comment: text}) => [
      sql`alter table ${ident(schema, table)} add constraint ${ident(name)} ${raw(withoutNotValid(definition))} not valid`,
      ...comment(sql`constraint ${ident(name)} on ${ident(schema, table)}`, text),
    ]),
    ...inventory.views.map(
      ({schema, name, options, definition}) =>
        sql`create or replace view ${ident(schema, name)}${raw(options.length === 0 ? '' : ` with (${options.map(quotedOption).join(', ')})`)} as ${raw(definition.replace(/;\s*$/, ''))}`,
    ),
    ...inventory.publications.map((publication) => publish(now, publication)),
    ...inventory.statistics.flatMap((statistics) => moveStatistics(both, statistics)),
  ]
}

export function withoutNotValid(definition: string): string {
  return definition.replace(/ NOT VALID$/, '')
}

/** The identity sequence of the other table continues where the one in use is. */
function continueIdentity(both: Swap, column: string): Statement {
  const [now, other] = tables(both)
  return doBlock`
declare
  used regclass := pg_get_serial_sequence(${now.text}, ${column});
  other regclass := pg_get_serial_sequence(${other.text}, ${column});
begin
  execute format('select setval(%L::regclass, last_value, is_called) from %s', other, used);
end`
}

function publish(now: Fragment, {name, columns, filter}: PublicationFacts): Statement {
  const listed = columns === null ? '' : ` (${columns.map((column) => ident(column).text).join(', ')})`
  const where = filter === null ? '' : ` where (${filter})`
  return sql`alter publication ${ident(name)} add table ${now}${raw(listed)}${raw(where)}`
}

/** Statistics objects have a schema of their own: the table's go with it, and their names are free for the other's. */
function moveStatistics(
  {away, from}: Swap,
  {schema, name, definition, owner, comment: text}: Inventory['statistics'][number],
): Statement[] {
  const statistics = ident(schema, name)
  return [
    sql`alter statistics ${statistics} set schema ${ident(away)}`,
    doBlock`
begin
  if exists (select from pg_statistic_ext where stxname = ${name} and stxnamespace = ${from}::regnamespace) then
    alter statistics ${ident(from, name)} set schema ${ident(schema)};
  else
    ${raw(definition)};
    alter statistics ${statistics} owner to ${ident(owner)};
    ${raw(
      comment(sql`statistics ${statistics}`, text)
        .map((one) => `${one.text};`)
        .join(''),
    )}
  end if;
end`,
  ]
}

const enabling = {O: null, D: 'disable', R: 'enable replica', A: 'enable always'} as const

function createTrigger(table: Fragment, {name, definition, enabled, comment: text}: TriggerFacts): Statement[] {
  const change = enabling[enabled]
  return [
    sql`${raw(definition)}`,
    ...(change === null ? [] : [sql`alter table ${table} ${raw(change)} trigger ${ident(name)}`]),
    ...comment(sql`trigger ${ident(name)} on ${table}`, text),
  ]
}

function rowSecurity({rowSecurity: enabled, forceRowSecurity: forced}: Inventory, table: Fragment): Statement[] {
  return [
    ...(enabled ? [sql`alter table ${table} enable row level security`] : []),
    ...(forced ? [sql`alter table ${table} force row level security`] : []),
  ]
}

/**
 * After a swap: checks the foreign keys that reference the table, under a lock that lets writers continue.
 * @param before oid of the table that had the name before the swap
 */
export function validateReferences(inventory: Inventory, before: number): Step[] {
  return inventory.referencedBy
    .filter(({valid}) => valid)
    .map(({schema, table, name}) => {
      const relation = formatQualifiedName(schema, table)
      return {
        ...adoptStep,
        id: `check foreign key ${ident(name).text} of ${relation}`,
        kind: 'adopt foreign keys',
        object: relation,
        statements: [sql`alter table ${ident(schema, table)} validate constraint ${ident(name)}`],
        lock: 'SHARE UPDATE EXCLUSIVE',
        doneCheck: sql`select exists (
  select from pg_constraint
  where conrelid = to_regclass(${relation}::text) and conname = ${name}::text and convalidated
    and confrelid = to_regclass(${relationOf(inventory)}::text) and confrelid <> ${before}::int8::oid
) as done`,
        dependsOn: [],
        relations: [relation],
      }
    })
}
