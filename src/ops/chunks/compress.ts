import type {Database} from '../../db/database.js'
import {prepared} from '../../db/load-sql.js'
import {timescaledbFunction, type Server} from '../../db/server.js'
import {literal, raw, sql, type Statement} from '../../db/sql.js'
import {usageError} from '../../errors.js'
import type {Step} from '../../plan/step.js'
import type {Clock} from '../../reports/clocks.js'
import {dueState} from '../../reports/due.js'
import type {LivePolicy} from '../../reports/live-policies.js'
import {has, keyOf, type Chunk, type Table} from '../../reports/table.js'
import type {Duration} from '../../units/duration.js'
import type {Instant} from '../../units/instant.js'
import {spanOf, spanWords, type Span} from '../aggregates/spans.js'
import {waitForHolders} from '../partitions/wait-for-holders.js'
import {compressionDisagrees} from './disagree.js'
import {bytesOf, chunkLabel, chunkName, leaveAlone, oldestFirst, requireCompression, some, type PlannedChange} from './hypertable.js'
import {cutoffOf, type Cutoff, type Age} from './range.js'

export interface CompressRequest {
  table: Table
  clock: Clock
  at: Instant
  /** Null: what the policies say is due. */
  choose: Age | Span | null
  /** Those of this table. */
  policies: readonly LivePolicy[]
  /** The age that was declared, where there is one. */
  declared: Duration | null
}

/**
 * Compresses chunks, and those again that were refilled or are out of order since; each in a transaction of its own.
 * @throws OpsError NO_RANGE, NO_COMPRESSION, NO_CLOCK, NOT_A_HYPERTABLE, NO_PRIVILEGE
 */
export async function planCompress(db: Database, request: CompressRequest): Promise<PlannedChange> {
  const {table} = request
  await requireCompression(db, table)
  const {chunks, cutoff, words} = choose(request)
  const {rest, notes} = leaveAlone(chunks)
  const todo = oldestFirst(rest)
  const bytes = await bytesOf(db, todo)
  return {
    plan: {
      operation: `chunks compress ${keyOf(table)}`,
      summary: `compress ${some(todo.length)} of ${keyOf(table)}${words}`,
      cutoff: cutoff?.instant ?? null,
      locks: [`table ${keyOf(table)}`],
      steps: todo.map((chunk) => compressStep(db.server, chunk, bytes.get(chunk) ?? null)),
    },
    notes: [...notes, ...compressionDisagrees(request, todo)],
  }
}

function choose(request: CompressRequest): {chunks: Chunk[]; cutoff: Cutoff | null; words: string} {
  const {table, clock, at, choose: wish, policies, declared} = request
  if (wish === null) {
    const live = policies.filter(({kind}) => kind === 'compression')
    const [rules, whose] = live.length > 0 ? [live, 'live policy'] : [declared === null ? [] : [declaredPolicy(table, clock, declared)], 'declared policy']
    if (rules.length === 0)
      throw usageError('NO_RANGE', `${keyOf(table)} has no compression policy that would say what is due.`, ['Give --older-than 7d, or --from and --to.'])
    const states = rules.map((policy) => dueState(policy, clock, at, 0))
    if (states.every(({due}) => due === null)) throw usageError('NO_CLOCK', `What is due on ${keyOf(table)} cannot be told: nobody says what its integers are.`, ['Declare timeUnit in the configuration, or give --from and --to.'])
    const after = rules.map((rule) => rule.after).find((age) => age !== null && typeof age !== 'bigint') as Duration | undefined
    const cutoff = after === undefined ? null : cutoffOf(table, clock, {age: after})
    return {chunks: [...new Set(states.flatMap(({notDone}) => notDone.map(({chunk}) => chunk)))], cutoff, words: olderWords(cutoff, `, ${whose}`)}
  }
  const wanting = table.chunks.filter(needsCompression)
  if ('start' in wish) return {chunks: wanting.filter((chunk) => within(spanOf(chunk), wish)), cutoff: null, words: `, ${spanWords(wish, table.time)}`}
  const cutoff = cutoffOf(table, clock, wish)
  return {chunks: wanting.filter(({end}) => end !== null && end <= cutoff.point), cutoff, words: olderWords(cutoff, '')}
}

function olderWords(cutoff: Cutoff | null, more: string): string {
  return cutoff === null ? more : ` older than ${cutoff.instant ?? cutoff.point}${more}`
}

/** A chunk over the beginning is meant; one over the end may still be written to and is not. */
function within(chunk: Span, wish: Span): boolean {
  return chunk.end > wish.start && chunk.end <= wish.end
}

export function needsCompression({status}: Chunk): boolean {
  return !has(status, 'compressed') || has(status, 'partial') || has(status, 'unordered')
}

function declaredPolicy(table: Table, clock: Clock, declared: Duration): LivePolicy {
  // A policy over integers counts in them.
  const after = table.time === 'integer' && clock.now !== null ? clock.now - cutoffOf(table, clock, {age: declared}).point : declared
  return {table, kind: 'compression', job: null, declared: null, after, createdBefore: null, startOffset: null, endOffset: null, recompress: true, schedule: null, config: ''}
}

function compressStep(server: Server, chunk: Chunk, bytes: number | null): Step {
  const name = chunkName(chunk)
  return {
    id: `compress ${chunkLabel(chunk)}`,
    kind: 'compress',
    object: name,
    statements: [...beforeCompressing(server, name), sql`select ${timescaledbFunction(server, 'compress_chunk')}(${literal(name)}::regclass)`],
    // EXCLUSIVE while it is copied, this one at the end, when the copied rows go.
    lock: 'ACCESS EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: prepared('catalog/chunk-compressed', [name]),
    repeatable: true,
    dependsOn: [],
    relations: [name],
    bytes,
  }
}

/**
 * The copied rows are truncated in the end, which waits for everybody who reads them: what was copied would be for
 * nothing when that takes longer than the lock timeout. Where the server can, it deletes them instead after a while;
 * where it cannot, the chunk is only begun with when nobody has it.
 */
function beforeCompressing(server: Server, name: string): Statement[] {
  if (server.truncatesOrDeletes) return [sql`set local timescaledb.compress_truncate_behaviour = ${raw("'truncate_or_delete'")}`]
  return [waitForHolders(name, '500ms')]
}
