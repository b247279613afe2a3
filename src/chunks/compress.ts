import type {Database} from '../db/database.js'
import {prepared} from '../db/load-sql.js'
import {timescaledbFunction, type Server} from '../db/server.js'
import {sql, type Statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {Step} from '../run/step.js'
import {timeUnitAdvice} from '../catalog/time-unit-advice.js'
import type {TableClock} from '../catalog/table-clock.js'
import {dueState} from '../catalog/due.js'
import type {LivePolicy, RowOrder} from '../catalog/live-policies.js'
import {has, qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import type {Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {spanOf, spanWords, type Span} from '../catalog/span.js'
import {planConvert} from '../partitions/convert.js'
import {waitForHolders} from '../run/wait-for-holders.js'
import {compressionDisagrees} from './policy-conflicts.js'
import {
  bytesOf,
  chunkLabel,
  chunkName,
  countPartitions,
  excludeProtected,
  isColumnarSet,
  formatChunkNames,
  oldestFirst,
  requireCompression,
  countChunks,
  type PlannedChange,
} from './hypertable.js'
import {
  mustTruncate,
  partlyPublished,
  readersInWords,
  readLogicalReaders,
  sendsDeletes,
  truncateBehaviour,
  type LogicalReaders,
} from './logical-readers.js'
import {cutoffOf, type Cutoff, type Age} from './range.js'
import {readRowOrder} from './row-order.js'
import {readRollUpInterval, rollUpOrder} from './roll-up.js'

export interface CompressRequest {
  table: Table
  clock: TableClock
  at: Instant
  /** Null means the chunks that are due for the policies. */
  choose: Age | Span | null
  /** Policies of this table. */
  policies: readonly LivePolicy[]
  /** The declared age; null if none is declared. */
  declared: Duration | null
  /** The declared order of rows in columnar partitions. */
  rowOrder?: RowOrder | null
  /** Whether the declared rule has `allowUpdates`. */
  declaredAllowUpdates?: boolean | undefined
  /** Convert partitions to columnar whatever the rules say; see {@link planConvert}. */
  allowUpdates?: boolean | undefined
}

export interface CompressPlan extends PlannedChange {
  /** The chunk that each step compresses, by the id of the step. */
  chunks: ReadonlyMap<string, Chunk>
}

/**
 * Plans the compression of chunks, including compressed ones that received rows or are unordered. One transaction a
 * chunk.
 * @throws OpsError NO_RANGE, NO_COMPRESSION, NO_CLOCK, NOT_A_HYPERTABLE, NO_PRIVILEGE
 */
export async function planCompress(db: Database, request: CompressRequest): Promise<CompressPlan> {
  const {table} = request
  if (isColumnarSet(db, table)) return planColumnar(db, request)
  await requireCompression(db, table)
  const {chunks, cutoff, words} = choose(request)
  const {rest, notes} = excludeProtected(chunks)
  const readers = await readLogicalReaders(db, table, table.chunks)
  const sent = rest.filter((chunk) => has(chunk.status, 'compressed') && sendsDeletes(readers, chunk))
  const todo = oldestFirst(rest.filter((chunk) => !sent.includes(chunk)))
  const [bytes, interval] = await Promise.all([bytesOf(db, todo), readRollUpInterval(db, table)])
  const isCompressed = ({status}: Chunk) => has(status, 'compressed')
  const before = rollUpOrder(table.chunks, new Set(todo), interval, isCompressed)
  const steps = todo.map((chunk) =>
    compressStep(db.server, table, chunk, {
      bytes: bytes.get(chunk) ?? null,
      mustTruncate: mustTruncate(readers, table, chunk),
      after: before.get(chunk) ?? null,
    }),
  )
  return {
    chunks: new Map(steps.map(({id}, index) => [id, todo[index]!])),
    plan: {
      operation: `chunks compress ${qualifiedName(table)}`,
      summary: `compress ${countChunks(todo.length)} of ${qualifiedName(table)}${words}`,
      cutoff: cutoff?.instant ?? null,
      tables: [qualifiedName(table)],
      locks: [],
      steps,
    },
    notes: [
      ...notes,
      ...sentNotes(readers, sent),
      ...partlyPublished(readers, table, table.chunks),
      ...compressionDisagrees(request, todo),
    ],
  }
}

/** Plans the conversion of partitions to columnar. */
async function planColumnar(db: Database, request: CompressRequest): Promise<CompressPlan> {
  const {table} = request
  const {chunks, cutoff, words} = choose(request)
  const todo = oldestFirst(chunks)
  const key = qualifiedName(table)
  const order = await readRowOrder(db, table, request.policies, request.rowOrder ?? null)
  const {steps, notes} = await planConvert(db, {
    relation: key,
    partitions: todo.map(chunkName),
    to: 'columnar',
    order,
    allowUpdates: request.allowUpdates || ruleAllowsUpdates(request),
  })
  return {
    // No partition of the plan leaves dead rows behind.
    chunks: new Map(),
    plan: {
      operation: `chunks compress ${key}`,
      summary: `convert ${countPartitions(steps)} of ${key} to columnar${words}`,
      cutoff: cutoff?.instant ?? null,
      tables: [key],
      locks: [],
      steps,
    },
    notes: [...notes, ...compressionDisagrees(request, todo)],
  }
}

/** A rule says it for partitions of its own age only, not for younger ones. */
function ruleAllowsUpdates({choose, policies, declaredAllowUpdates}: CompressRequest): boolean {
  if (choose !== null) return false
  const live = policies.find(({kind}) => kind === 'compression')
  return (live === undefined ? declaredAllowUpdates : live.allowUpdates) ?? false
}

/**
 * When TimescaleDB compresses a chunk again, it deletes the new rows instead of truncating, so subscribers get DELETEs.
 */
function sentNotes(readers: LogicalReaders, chunks: readonly Chunk[]): string[] {
  if (chunks.length === 0) return []
  return [
    `Not compressed again: ${formatChunkNames(chunks)}. TimescaleDB would delete the new rows one by one, and ` +
      `${readersInWords(readers, chunks)} sends every DELETE to its subscribers. ` +
      "A publication without deletes does not: alter publication … set (publish = 'insert, update, truncate').",
  ]
}

function choose(request: CompressRequest): {chunks: Chunk[]; cutoff: Cutoff | null; words: string} {
  const {table, clock, at, choose, policies, declared} = request
  if (choose === null) {
    const live = policies.filter(({kind}) => kind === 'compression')
    const [rules, whose] =
      live.length > 0
        ? [live, 'live policy']
        : [declared === null ? [] : [declaredPolicy(table, clock, declared)], 'declared policy']
    if (rules.length === 0)
      throw usageError(
        'NO_RANGE',
        `${qualifiedName(table)} has no compression policy, so it is not known what is due.`,
        ['Give --older-than 7d, or --from and --to.'],
      )
    const states = rules.map((policy) => dueState(policy, clock, at, 0))
    if (states.every(({due}) => due === null))
      throw usageError(
        'NO_CLOCK',
        `The unit of the integer time column of ${qualifiedName(table)} is not known, so it is not known what is due.`,
        [timeUnitAdvice(table)],
      )
    const after = rules.map((rule) => rule.after).find((age) => age !== null && typeof age !== 'bigint') as
      | Duration
      | undefined
    const cutoff = after === undefined ? null : cutoffOf(table, clock, {age: after})
    return {
      chunks: [...new Set(states.flatMap(({notDone}) => notDone.map(({chunk}) => chunk)))],
      cutoff,
      words: olderWords(cutoff, `, ${whose}`),
    }
  }
  const wanting = table.chunks.filter(needsCompression)
  if ('start' in choose)
    return {
      chunks: wanting.filter((chunk) => within(spanOf(chunk), choose)),
      cutoff: null,
      words: `, ${spanWords(choose, table.time)}`,
    }
  const cutoff = cutoffOf(table, clock, choose)
  return {chunks: wanting.filter(({end}) => end !== null && end <= cutoff.point), cutoff, words: olderWords(cutoff, '')}
}

function olderWords(cutoff: Cutoff | null, more: string): string {
  return cutoff === null ? more : ` older than ${cutoff.words}${more}`
}

/**
 * A chunk that begins before the range is included; one that extends past its end may still receive rows and is not.
 */
function within(chunk: Span, request: Span): boolean {
  return chunk.end > request.start && chunk.end <= request.end
}

export function needsCompression({status}: Chunk): boolean {
  return !has(status, 'compressed') || has(status, 'partial') || has(status, 'unordered')
}

function declaredPolicy(table: Table, clock: TableClock, declared: Duration): LivePolicy {
  // The age of a policy on integer time is an integer.
  const after =
    table.time === 'integer' && clock.now !== null
      ? clock.now - cutoffOf(table, clock, {age: declared}).point
      : declared
  return {
    table,
    kind: 'compression',
    job: null,
    declared: null,
    after,
    createdBefore: null,
    startOffset: null,
    endOffset: null,
    recompress: true,
    schedule: null,
    config: '',
  }
}

function compressStep(
  server: Server,
  table: Table,
  chunk: Chunk,
  {bytes, mustTruncate, after}: {bytes: number | null; mustTruncate: boolean; after: Chunk | null},
): Step {
  const name = chunkName(chunk)
  return {
    id: stepId(chunk),
    kind: 'compress',
    object: name,
    statements: [
      ...beforeCompressing(server, table, name, mustTruncate),
      {
        ...sql`select ${timescaledbFunction(server, 'compress_chunk')}(${name}::regclass)`,
        name: 'qicore:compress-chunk',
      },
    ],
    // EXCLUSIVE while the rows are copied, then ACCESS EXCLUSIVE to remove them.
    lock: 'ACCESS EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: prepared('chunks/compressed', [name]),
    repeatable: true,
    dependsOn: [],
    ...(after !== null && {after: [stepId(after)]}),
    relations: [name],
    bytes,
  }
}

function stepId(chunk: Chunk): string {
  return `compress ${chunkLabel(chunk)}`
}

/**
 * At the end compress_chunk truncates the copied rows, which waits for every session that reads the chunk: after a lock
 * timeout the whole copy would be lost. So the server deletes the rows of a chunk that is in use, if it can. If it
 * cannot, or must not, the step first waits until no other transaction uses the chunk.
 */
function beforeCompressing(server: Server, table: Table, name: string, mustTruncate: boolean): Statement[] {
  return [
    ...(mustTruncate || !server.truncatesOrDeletes ? [waitForHolders(name, '500ms')] : []),
    ...(server.truncatesOrDeletes ? [truncateBehaviour(table, name)] : []),
  ]
}
