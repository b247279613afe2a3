import {formatQualifiedName} from '../db/qualified-name.js'
import {doBlock, ident, literal, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {indexClause, unnamedConstraint} from './indexes.js'
import {relationOf, type IndexFacts, type Inventory} from './inventory.js'
import type {AdoptPeriod} from './periods.js'
import {adoptStep, triggersOn} from './shadow.js'
import type {RowKey} from './key.js'
import {changesTable, lockState, partsTable, stateTable} from './state.js'
import {changeTrigger, type Staging} from './staging.js'

/** Partitions that one step creates: the locks of a transaction are limited. */
const partitionsPerStep = 50

/** Blocks that one step copies, 16 MB, and the most steps of a copy. */
const blocksPerStep = 2_048
const mostCopySteps = 5_000

/** Steps that create the partitions in the schema of the table, where they stay. */
export function createPartitions(inventory: Inventory, staging: Staging, periods: readonly AdoptPeriod[]): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < periods.length; at += partitionsPerStep) {
    const part = periods.slice(at, at + partitionsPerStep)
    const last = formatQualifiedName(inventory.schema, part.at(-1)!.partition)
    steps.push({
      ...adoptStep,
      id: `create partitions ${part[0]!.partition} to ${part.at(-1)!.partition}`,
      kind: 'adopt partitions',
      object: relationOf(inventory),
      statements: part.flatMap((period) => createPartition(inventory, staging, period)),
      lock: 'NONE',
      doneCheck: sql`select exists (select from pg_inherits where inhrelid = to_regclass(${last}::text)) as done`,
      dependsOn: [],
      relations: [],
    })
  }
  return steps
}

function createPartition(
  {schema, table, owner, accessMethod, tablespace, options, toastOptions}: Inventory,
  staging: Staging,
  {partition, lower, upper}: AdoptPeriod,
): Statement[] {
  const child = ident(schema, partition)
  const storage = [...options, ...toastOptions.map((option) => `toast.${option}`)]
  const method = accessMethod === null ? raw('') : sql` using ${ident(accessMethod)}`
  const parameters = storage.length === 0 ? raw('') : raw(` with (${storage.map(quotedOption).join(', ')})`)
  const space = tablespace === null ? raw('') : sql` tablespace ${ident(tablespace)}`
  return [
    sql`create table ${child} partition of ${ident(staging.schema, table)}
  for values from (${literal(lower)}) to (${literal(upper)})${method}${parameters}${space}`,
    sql`alter table ${child} owner to ${ident(owner)}`,
  ]
}

/** `fillfactor=70` as `fillfactor='70'`: a value may be a list of words. */
export function quotedOption(option: string): string {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(option)!
  return `${name}=${literal(value!).text}`
}

/**
 * From here on every change of the table is recorded. Waits for open transactions that have written to the table, and
 * writers wait behind it, so the wait is as short as for ACCESS EXCLUSIVE.
 */
export function recordChanges(inventory: Inventory, staging: Staging, always: boolean): Step {
  const table = ident(inventory.schema, inventory.table)
  const relation = relationOf(inventory)
  return {
    ...adoptStep,
    id: `record changes of ${relation}`,
    kind: 'adopt record',
    object: relation,
    statements: [
      sql`lock table ${table} in share row exclusive mode`,
      ...triggersOn(staging, table, always),
      sql`update ${stateTable(staging)} set filenode = pg_relation_filenode(source),
  blocks = coalesce(pg_relation_size(source) / current_setting('block_size')::int, 0)`,
      ...(inventory.kind === 'p'
        ? [
            sql`insert into ${partsTable(staging)} select relid, pg_relation_filenode(relid)
from pg_partition_tree(${inventory.oid}::int8::oid) where isleaf`,
          ]
        : []),
    ],
    lock: 'SHARE ROW EXCLUSIVE',
    waitsBriefly: true,
    doneCheck: sql`select exists (
  select from pg_trigger where tgrelid = ${inventory.oid}::int8::oid and tgname = ${changeTrigger}
) as done`,
    dependsOn: [],
    relations: [relation],
  }
}

/** Copies the table again from its beginning: its blocks are not those that were copied. */
export function copyAgain(inventory: Inventory, staging: Staging): Step {
  const table = ident(inventory.schema, inventory.table)
  return {
    ...adoptStep,
    id: `empty the copy of ${relationOf(inventory)}`,
    kind: 'adopt copy',
    object: relationOf(inventory),
    statements: [
      lockState(staging),
      sql`lock table ${table} in access share mode`,
      sql`truncate ${ident(staging.schema, inventory.table)}`,
      sql`update ${stateTable(staging)} set copied = 0, filenode = pg_relation_filenode(source),
  blocks = pg_relation_size(source) / current_setting('block_size')::int`,
    ],
    lock: 'ACCESS SHARE',
    dependsOn: [],
    relations: [relationOf(inventory)],
  }
}

/** @param blocks how many the table has now; the last step copies as many as it had when recording began */
export function copySteps(inventory: Inventory, staging: Staging, {blocks, from, blockSize}: CopyRange): Step[] {
  const size = Math.max(blocksPerStep, Math.ceil(blocks / mostCopySteps))
  const steps: Step[] = []
  for (let first = from; first === from || first < blocks; first += size) {
    const next = first + size >= blocks ? null : first + size
    steps.push({
      ...adoptStep,
      id: `copy ${relationOf(inventory)} from block ${first}`,
      kind: 'adopt copy',
      object: relationOf(inventory),
      statements: [sql`select ${ident(staging.schema, 'copy_rows')}(${raw(String(first))}, ${raw(String(next))})`],
      lock: 'ACCESS SHARE',
      bytes: ((next ?? blocks) - first) * blockSize,
      dependsOn: [],
      relations: [relationOf(inventory)],
    })
  }
  return steps
}

export interface CopyRange {
  blocks: number
  from: number
  /** In bytes. */
  blockSize: number
}

/** Builds the indexes of one partition, which no session reads yet. */
export function buildIndexes(inventory: Inventory, staging: Staging, key: RowKey, {partition}: AdoptPeriod): Step {
  const child = ident(inventory.schema, partition)
  const relation = formatQualifiedName(inventory.schema, partition)
  const id = `build indexes of ${relation}`
  return {
    ...adoptStep,
    id,
    kind: 'adopt index',
    object: relation,
    statements: once(staging, id, [
      deleteChanged(staging, child.text, key),
      ...inventory.indexes.map((index) => createOn(child.text, index)),
    ]),
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  }
}

/**
 * Deletes the copied rows whose key is in the log, before a unique index is built: one of them may have been copied
 * twice, because an UPDATE moved it from a block that was copied to a later one. They are copied again when the log is
 * applied.
 */
export function deleteChanged(staging: Staging, table: string, {columns}: RowKey): string {
  const keys = columns.map((_, n) => `k${n + 1}`).join(', ')
  const same = columns.map((column, n) => `t.${ident(column).text} = k.k${n + 1}`).join(' and ')
  return `delete from ${table} t using (select distinct ${keys} from ${changesTable(staging).text}) k where ${same}`
}

/** Runs statements once: the step is recorded as built in the same transaction, and the next plan leaves it out. */
export function once(staging: Staging, step: string, statements: readonly (Statement | string)[]): Statement[] {
  const body = statements.map((one) => `${typeof one === 'string' ? one : one.text};`).join('\n  ')
  return [
    lockState(staging),
    doBlock`
begin
  if exists (select 1 from ${stateTable(staging)} where ${step} = any (built)) then
    return;
  end if;
  ${raw(body)}
  update ${stateTable(staging)} set built = built || ${step}::text;
end`,
  ]
}

function createOn(child: string, index: IndexFacts): string {
  if (index.constraint !== null) return `alter table ${child} add ${unnamedConstraint(index).text}`
  return `create ${index.unique ? 'unique ' : ''}index on ${child} ${indexClause(index).text}`
}

/** Compares the rows of some periods that follow each other, and so proves that the copy is complete. */
export function compareStep(inventory: Inventory, staging: Staging, periods: readonly AdoptPeriod[]): Step {
  const [first, last] = [periods[0]!, periods.at(-1)!]
  const range = first === last ? first.partition : `${first.partition} to ${last.partition}`
  return {
    ...adoptStep,
    id: `compare ${range}`,
    kind: 'adopt compare',
    object: relationOf(inventory),
    statements: [
      sql`select ${ident(staging.schema, 'compare_rows')}(${periods.map(({lower}) => lower)}::text[], ${last.upper}::text)`,
    ],
    lock: 'ACCESS SHARE',
    dependsOn: [],
    relations: [relationOf(inventory)],
  }
}
