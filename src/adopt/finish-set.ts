import {formatQualifiedName} from '../db/qualified-name.js'
import {doBlock, ident, literal, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {applyChanges} from './fill.js'
import {constraintClause, indexClause} from './indexes.js'
import {relationOf, type ForeignKeyFacts, type IndexFacts, type Inventory} from './inventory.js'
import type {AdoptPeriod} from './periods.js'
import {adoptStep, comment, dropTriggers, triggersOn} from './shadow.js'
import {lockState, stateTable} from './state.js'
import type {Staging} from './staging.js'

/** Marks in `built` for steps that are not about one partition. */
const marks = {set: '*', keys: '* foreign keys', record: '* record'}

/** Runs statements once: the mark is written in the same transaction. */
function once(staging: Staging, mark: string, statements: readonly (Statement | string)[]): Statement[] {
  const body = statements.map((one) => `${typeof one === 'string' ? one : one.text};`).join('\n  ')
  return [
    lockState(staging),
    doBlock`
begin
  if exists (select from ${stateTable(staging)} where ${mark} = any (built)) then
    return;
  end if;
  ${raw(body)}
  update ${stateTable(staging)} set built = built || ${mark}::text;
end`,
  ]
}

/**
 * Indexes, column settings and replica identity of the set itself. PostgreSQL finds the equal indexes of the partitions
 * and attaches them, so nothing is built here.
 */
export function completeSet(inventory: Inventory, staging: Staging, indexes: readonly IndexFacts[]): Step {
  const {schema, table} = inventory
  const shadow = ident(staging.schema, table)
  return {
    ...adoptStep,
    id: `complete the new set of ${relationOf(inventory)}`,
    kind: 'adopt index',
    object: relationOf(inventory),
    statements: [
      ...once(staging, marks.set, [
        ...indexes.flatMap((index) => createIndex(shadow.text, index)),
        ...inventory.indexes.flatMap((index) => indexComments(staging, shadow.text, index)),
        ...columnSettings(inventory, staging),
        ...replicaIdentity(inventory, staging),
      ]),
      sql`analyze ${shadow}`,
      applyChanges({...inventory, schema}, staging),
    ],
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  }
}

function createIndex(shadow: string, index: IndexFacts): string[] {
  if (index.constraint !== null) return [`alter table ${shadow} add ${constraintClause(index).text}`]
  return [
    `create ${index.unique ? 'unique ' : ''}index ${ident(index.name).text} on ${shadow} ${indexClause(index).text}`,
  ]
}

function indexComments({schema}: Staging, shadow: string, index: IndexFacts): Statement[] {
  return [
    ...comment(sql`index ${ident(schema, index.name)}`, index.comment),
    ...(index.constraint === null
      ? []
      : comment(sql`constraint ${ident(index.constraint)} on ${raw(shadow)}`, index.constraintComment)),
  ]
}

function columnSettings({columns, table}: Inventory, {schema}: Staging): Statement[] {
  const shadow = ident(schema, table)
  return columns.flatMap(({name, statisticsTarget, options}) => [
    ...(statisticsTarget === null
      ? []
      : [sql`alter table ${shadow} alter column ${ident(name)} set statistics ${raw(String(statisticsTarget))}`]),
    ...(options.length === 0
      ? []
      : [eachPartition(schema, table, `alter table %s alter column ${ident(name).text} set (${options.join(', ')})`)]),
  ])
}

/** Changes of a partition are sent with the identity of the partition. Partitions of later get the default. */
function replicaIdentity({replicaIdentity: identity, indexes, table}: Inventory, {schema}: Staging): Statement[] {
  if (identity === 'd') return []
  if (identity !== 'i') return [eachPartition(schema, table, `alter table %s replica identity ${identity === 'f' ? 'full' : 'nothing'}`)]
  const index = indexes.find((one) => one.replicaIdentity)!
  return [
    doBlockPart(`for part in
    select format('alter table %s replica identity using index %I', x.indrelid::regclass, c.relname) as command
    from pg_inherits i join pg_index x on x.indexrelid = i.inhrelid join pg_class c on c.oid = x.indexrelid
    where i.inhparent = ${literal(`${ident(schema, index.name).text}`).text}::regclass`),
  ]
}

function eachPartition(schema: string, table: string, command: string): Statement {
  return doBlockPart(`for part in
    select format(${literal(command).text}, t.relid) as command
    from pg_partition_tree(${literal(ident(schema, table).text).text}::regclass) t where t.isleaf`)
}

function doBlockPart(loop: string): Statement {
  return doBlock`
declare
  part record;
begin
  ${raw(loop)}
  loop
    execute part.command;
  end loop;
end`
}

/** Adds the foreign keys to the partitions without a scan, validates them one by one, and adds them to the set. */
export function foreignKeySteps(inventory: Inventory, staging: Staging, periods: readonly AdoptPeriod[]): Step[] {
  const {foreignKeys, schema} = inventory
  if (foreignKeys.length === 0) return []
  const referenced = [...new Set(foreignKeys.map(({references}) => references))]
  const add = (relation: string, key: ForeignKeyFacts, more: string) =>
    `alter table ${relation} add constraint ${ident(key.name).text} ${key.definition}${more}`
  const shape = {...adoptStep, kind: 'adopt foreign keys', dependsOn: []} as const
  const children = periods.map(({partition}) => ident(schema, partition).text)
  const each = periods.map(
    ({partition}, n): Step => ({
      ...shape,
      id: `check foreign keys of ${formatQualifiedName(schema, partition)}`,
      object: formatQualifiedName(schema, partition),
      statements: [
        lockState(staging),
        ...foreignKeys.map(({name}) => sql`alter table ${raw(children[n]!)} validate constraint ${ident(name)}`),
      ],
      lock: 'ROW EXCLUSIVE',
      relations: referenced,
    }),
  )
  const shadow = ident(staging.schema, inventory.table)
  return [
    {
      ...shape,
      id: `add foreign keys to the partitions of ${relationOf(inventory)}`,
      object: relationOf(inventory),
      statements: once(staging, marks.keys, children.flatMap((child) => foreignKeys.map((key) => add(child, key, ' not valid')))),
      lock: 'SHARE ROW EXCLUSIVE',
      relations: referenced,
    },
    ...each,
    {
      ...shape,
      id: `add foreign keys to the new set of ${relationOf(inventory)}`,
      object: relationOf(inventory),
      statements: once(staging, `${marks.keys} of the set`, [
        ...foreignKeys.map((key) => add(shadow.text, key, '')),
        ...foreignKeys.flatMap((key) => comment(sql`constraint ${ident(key.name)} on ${shadow}`, key.comment)),
      ]),
      lock: 'SHARE ROW EXCLUSIVE',
      relations: referenced,
    },
  ]
}

/** The triggers that record changes of the new set: they are added last, because copied rows would fire them too. */
export function recordNewSet(inventory: Inventory, staging: Staging): Step {
  const shadow = ident(staging.schema, inventory.table)
  return {
    ...adoptStep,
    id: `record changes of the new set of ${relationOf(inventory)}`,
    kind: 'adopt record',
    object: relationOf(inventory),
    statements: [
      ...once(staging, marks.record, [...dropTriggers(shadow), ...triggersOn(staging, shadow)]),
      applyChanges(inventory, staging),
    ],
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  }
}
