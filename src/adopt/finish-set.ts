import {formatQualifiedName} from '../db/qualified-name.js'
import {doBlock, ident, literal, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {once} from './fill.js'
import {constraintClause, indexClause} from './indexes.js'
import {relationOf, type ForeignKeyFacts, type IndexFacts, type Inventory} from './inventory.js'
import type {AdoptPeriod} from './periods.js'
import {adoptStep, comment, dropTriggers, triggersOn} from './shadow.js'
import type {Staging} from './staging.js'

/** The step after which new partitions get their indexes when they are created. */
export function completionId(inventory: Inventory): string {
  return `complete the new set of ${relationOf(inventory)}`
}

/**
 * Indexes, column settings and replica identity of the set itself. PostgreSQL finds the equal indexes of the partitions
 * and attaches them, so nothing is built here.
 */
export function completeSet(inventory: Inventory, staging: Staging): Step {
  const {table} = inventory
  const shadow = ident(staging.schema, table)
  const id = completionId(inventory)
  return {
    ...adoptStep,
    id,
    kind: 'adopt index',
    object: relationOf(inventory),
    statements: [
      ...once(staging, id, [
        ...inventory.indexes.flatMap((index) => createIndex(shadow.text, index)),
        ...inventory.indexes.flatMap((index) => indexComments(staging, shadow.text, index)),
        ...columnSettings(inventory, staging),
        ...replicaIdentity(inventory, staging),
      ]),
      sql`analyze ${shadow}`,
    ],
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  }
}

export function createIndex(shadow: string, index: IndexFacts): string[] {
  if (index.constraint !== null) return [`alter table ${shadow} add ${constraintClause(index).text}`]
  return [
    `create ${index.unique ? 'unique ' : ''}index ${ident(index.name).text} on ${shadow} ${indexClause(index).text}`,
  ]
}

export function indexComments({schema}: Staging, shadow: string, index: IndexFacts): Statement[] {
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
  if (identity !== 'i')
    return [eachPartition(schema, table, `alter table %s replica identity ${identity === 'f' ? 'full' : 'nothing'}`)]
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
  const shadow = ident(staging.schema, inventory.table)
  const step = (id: string, lock: Step['lock'], statements: readonly (Statement | string)[]): Step => ({
    ...shape,
    id,
    object: relationOf(inventory),
    statements: once(staging, id, statements),
    lock,
    relations: referenced,
  })
  return [
    step(
      `add foreign keys to the partitions of ${relationOf(inventory)}`,
      'SHARE ROW EXCLUSIVE',
      children.flatMap((child) => foreignKeys.map((key) => add(child, key, ' not valid'))),
    ),
    ...children.map((child, n) =>
      step(
        `check foreign keys of ${formatQualifiedName(schema, periods[n]!.partition)}`,
        'ROW EXCLUSIVE',
        foreignKeys.map(({name}) => `alter table ${child} validate constraint ${ident(name).text}`),
      ),
    ),
    step(`add foreign keys to the new set of ${relationOf(inventory)}`, 'SHARE ROW EXCLUSIVE', [
      ...foreignKeys.map((key) => add(shadow.text, key, '')),
      ...foreignKeys.flatMap((key) => comment(sql`constraint ${ident(key.name)} on ${shadow}`, key.comment)),
    ]),
  ]
}

/**
 * The triggers that record changes of the new table: they are added last, because copied rows would fire them too.
 * @param always see {@link triggersOn}
 */
export function recordNewTable(inventory: Inventory, staging: Staging, always: boolean): Step {
  const shadow = ident(staging.schema, inventory.table)
  const id = `record changes of the new table of ${relationOf(inventory)}`
  return {
    ...adoptStep,
    id,
    kind: 'adopt record',
    object: relationOf(inventory),
    statements: once(staging, id, [...dropTriggers(shadow), ...triggersOn(staging, shadow, always)]),
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  }
}
