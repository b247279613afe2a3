import {instantOf} from '../../catalog/time.js'
import {batching} from '../../db/batching.js'
import type {Database} from '../../db/database.js'
import {parseQualifiedName} from '../../db/qualified-name.js'
import {sql} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {localOf} from '../../units/zone-arithmetic.js'
import {readForgotten, type Forgotten} from './forgotten.js'
import {readLeftovers, type Leftover} from '../detach/leftovers.js'
import type {PartitionRule} from '../periods.js'
import {readRemembered, reasonKept, type Remembered} from './remembered.js'
import {nameKey, readSets} from '../sets.js'
import {tasksOf, type DueTask, type StageState, type StageTask} from './stages.js'

/**
 * The state of a detached partition. `dropping`: a drop detached it and was not finished. `kept`: no stage of retention
 * touches it, `why` says why. `gone`: another session dropped the table; `dropped`: qicore-db did.
 */
export type DetachedStage = 'detached' | 'archived' | 'dropping' | 'kept' | 'gone' | 'dropped'

export interface DetachedRow {
  schema: string
  table: string
  /** Schema and name of the partition now; as recorded if it is gone. */
  partitionSchema: string
  partition: string
  from: Instant | null
  to: Instant | null
  /** Null if it is not recorded. */
  detachedAt: Instant | null
  detachedBy: string | null
  stage: DetachedStage
  /** With indexes; null if locked, gone or not known. */
  totalBytes: number | null
  estimatedRows: number | null
  /** The schema to which a stage moved it. */
  movedTo: string | null
  exportedTo: string | null
  checksum: string | null
  /** The next stage that is declared, and from when it is due. */
  next: StageTask | null
  nextAt: Instant | null
  /** Why it is kept, or why its next stage cannot be done; null if there is nothing to explain. */
  why: string | null
}

export interface DetachedReport {
  detached: DetachedRow[]
  /** False if this role may not read the record: then only tables with a mark or a name of a partition are listed. */
  recordReadable: boolean
}

export interface DetachedRequest {
  rules: readonly PartitionRule[]
  /** One set, or null for all. */
  relation: string | null
  /** Also those that qicore-db dropped. */
  dropped: boolean
}

/**
 * Every table that was a partition and is none: as recorded, with the mark of a drop, or by its name and columns. The
 * number of round trips does not depend on the number of tables, and no lock is waited for.
 */
export async function readDetached(
  database: Database,
  {rules, relation, dropped}: DetachedRequest,
): Promise<DetachedReport> {
  const db = batching(database)
  const [sets, now, remembered] = await Promise.all([
    readSets(db, relation === null ? null : [relation], rules),
    readMicros(db),
    readRemembered(db, {relations: null, dropped, sizes: true}),
  ])
  const relations = sets.map((set) => set.relation)
  const [leftovers, forgotten] = await Promise.all([readLeftovers(db, relations), readForgotten(db, remembered)])
  const ruleOf = ruleFinder(rules, sets)
  const isWanted = (set: {schema: string; table: string}) =>
    relation === null || sets.some(({schema, table}) => schema === set.schema && table === set.table)
  const own = (remembered ?? []).filter(({set, table}) => isWanted(set) && !table?.attached)
  const rows = [
    ...own.map((each) => rememberedRow(each, ruleOf(each.set), now)),
    ...leftovers.map(leftoverRow),
    ...forgotten.filter(({of}) => relations.includes(of)).map(forgottenRow),
  ]
  return {detached: rows.sort(bySetAndTime), recordReadable: remembered !== null}
}

/** The server's time in microseconds since 1970. */
export async function readMicros(db: Pick<Database, 'query'>): Promise<bigint> {
  const [row] = await db.query<{now: string}>(
    sql`select (extract(epoch from statement_timestamp()) * 1000000)::int8::text as now`,
  )
  return BigInt(row!.now)
}

/** The rule of a set, also if it is declared for a table above it or does not exist any more. */
function ruleFinder(
  rules: readonly PartitionRule[],
  sets: readonly {schema: string; table: string; rule: PartitionRule | null}[],
): (set: {schema: string; table: string}) => PartitionRule | null {
  return ({schema, table}) =>
    sets.find((set) => set.schema === schema && set.table === table)?.rule ??
    rules.find(({relation}) => nameKey(relation) === JSON.stringify([schema, table])) ??
    null
}

/** Now on the scale of a key: the local time of the set, read as UTC, for a key without a time zone. */
export function nowOf({zoned}: {zoned: boolean}, rule: PartitionRule | null, now: bigint): bigint {
  return zoned ? now : localOf({name: rule?.timezone ?? 'UTC'}, now)
}

/** How far a recorded partition is. */
export function stateOf({end, countedAt, exportedAt, detachedAt, table, recorded}: Remembered): StageState {
  return {
    end,
    detached: detachedAt !== null && !table?.attached,
    counted: countedAt !== null,
    schema: table?.schema ?? recorded.schema,
    tablespaces: table?.tablespaces ?? [],
    exported: exportedAt !== null,
  }
}

function stageOf({droppedAt, table, movedAt, exportedAt}: Remembered, kept: string | null): DetachedStage {
  if (droppedAt !== null) return 'dropped'
  if (table === null) return 'gone'
  if (kept !== null) return 'kept'
  return movedAt !== null || exportedAt !== null ? 'archived' : 'detached'
}

function rememberedRow(each: Remembered, rule: PartitionRule | null, now: bigint): DetachedRow {
  const {set, recorded, table, start, end, movedAt} = each
  const why = reasonKept(each)
  const stage = stageOf(each, why)
  const next = stage === 'detached' || stage === 'archived' ? nextTask(each, rule, now) : null
  return {
    ...set,
    partitionSchema: table?.schema ?? recorded.schema,
    partition: table?.partition ?? recorded.partition,
    from: start === null ? null : instantOf(start),
    to: end === null ? null : instantOf(end),
    detachedAt: each.detachedAt,
    detachedBy: each.detachedBy,
    stage,
    totalBytes: table?.bytes ?? null,
    estimatedRows: table?.rows ?? null,
    movedTo: movedAt === null ? null : (table?.schema ?? null),
    exportedTo: each.exportedTo,
    checksum: each.checksum,
    next: next?.task ?? null,
    nextAt: next === null ? null : instantOf(next.at),
    why: stage === 'kept' ? `${why}: it is kept` : null,
  }
}

function nextTask(each: Remembered, rule: PartitionRule | null, now: bigint): DueTask | null {
  if (rule?.stages == null) return null
  return tasksOf(rule.stages, stateOf(each), nowOf(each, rule, now))[0] ?? null
}

const unknown = {
  detachedAt: null,
  detachedBy: null,
  movedTo: null,
  exportedTo: null,
  checksum: null,
  next: null,
  nextAt: null,
}

function leftoverRow({parent, schema, partition, mark, bytes, detachedToDrop}: Leftover): DetachedRow {
  const of = parseQualifiedName(parent)
  return {
    ...unknown,
    schema: of.schema ?? 'public',
    table: of.name,
    partitionSchema: schema,
    partition,
    from: mark.from,
    to: mark.to,
    stage: detachedToDrop ? 'dropping' : 'kept',
    totalBytes: bytes,
    estimatedRows: null,
    why: detachedToDrop
      ? 'the next partitions drop of its age drops it'
      : 'it has the mark of a drop that did not detach it, or it was changed since: it is kept',
  }
}

function forgottenRow({of, schema, name, bytes, rows}: Forgotten): DetachedRow {
  const set = parseQualifiedName(of)
  return {
    ...unknown,
    schema: set.schema ?? 'public',
    table: set.name,
    partitionSchema: schema,
    partition: name,
    from: null,
    to: null,
    stage: 'kept',
    totalBytes: bytes,
    estimatedRows: rows,
    why: 'its detach is not recorded, it has the name and the columns of a partition: it is kept',
  }
}

function bySetAndTime(a: DetachedRow, b: DetachedRow): number {
  const key = ({schema, table, to, from, partition}: DetachedRow) => [schema, table, to ?? from ?? '~', partition]
  const [left, right] = [key(a), key(b)]
  const at = left.findIndex((part, index) => part !== right[index])
  if (at === -1) return 0
  return left[at]! < right[at]! ? -1 : 1
}
