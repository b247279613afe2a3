import {approximateSeconds, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {ago, dueAt} from './ages.js'
import type {TableClock} from './table-clock.js'
import {addInterval} from './interval.js'
import type {LivePolicy, Offset} from './live-policies.js'
import {has, isCompressed, type Chunk} from './table.js'
import {microsOf} from './time.js'

/** A chunk that is due for a policy and not done. */
export interface DueChunk {
  chunk: Chunk
  /** When it fell due, microseconds since 1970; null if that is not recorded. */
  since: bigint | null
  /** The chunk was created when its rows were due already: old rows were loaded. False if that is not recorded. */
  loadedLate: boolean
  why: 'never compressed' | 'refilled' | 'unordered' | 'not dropped'
}

/** The work that is due for a compression or retention policy. */
export interface DueState {
  policy: LivePolicy
  /** Number of chunks that are due, done or not; null if the table's clock is not known. */
  due: number | null
  notDone: DueChunk[]
  /** Work has been due for longer than one interval of the schedule plus the grace time; null if not known. */
  late: boolean | null
}

// A policy of qicore.policies without a schedule runs with the daily maintenance.
const daily: Duration = {months: 0, days: 1, seconds: 0}

/**
 * How long after its due time work counts as late, in microseconds: the grace time plus one interval of the schedule.
 * @param lateAfter milliseconds
 */
export function graceOf(policy: LivePolicy, lateAfter: number): bigint {
  return BigInt(Math.round((lateAfter + approximateSeconds(policy.schedule ?? daily) * 1000) * 1000))
}

/** When a chunk was created, in microseconds since 1970; null if that is not recorded. */
function creationOf({createdAt}: Chunk): bigint | null {
  return createdAt === null ? null : microsOf(createdAt)
}

/**
 * The due work of a compression or retention policy, by the state of the chunks alone: a job that failed on some chunks
 * still reports success.
 * @param lateAfter milliseconds
 */
export function dueState(policy: LivePolicy, clock: TableClock, at: Instant, lateAfter: number): DueState {
  const unknown: DueState = {policy, due: null, notDone: [], late: null}
  const age = policy.after ?? policy.createdBefore
  if (age === null) return unknown
  const now = microsOf(at)
  const byAge = policy.after !== null
  // Chunks record their creation as an instant, also those of tables on integer time.
  const counted: TableClock = byAge
    ? clock
    : {now, unit: null, time: 'timestamptz', ...(clock.zone && {zone: clock.zone})}
  const cutoff = byAge && (typeof age === 'bigint') !== (policy.table.time === 'integer') ? null : ago(counted, age)
  if (cutoff === null) return unknown
  // If no range can be read (a set partitioned by UUID), it is not known what is due.
  if (
    byAge &&
    policy.table.chunks.length > 0 &&
    policy.table.chunks.every(({start, end}) => start === null && end === null)
  )
    return unknown
  const state: DueState = {policy, due: 0, notDone: [], late: false}
  for (const chunk of policy.table.chunks) {
    const from = byAge ? chunk.end : creationOf(chunk)
    // Policies skip frozen and tiered chunks.
    if (from === null || (byAge ? from > cutoff : from >= cutoff) || chunk.tiered || has(chunk.status, 'frozen'))
      continue
    state.due! += 1
    const why = notDone(policy, chunk)
    if (why === null) continue
    // TimescaleDB does not record when rows were written into a compressed chunk.
    const since = why === 'refilled' || why === 'unordered' ? null : dueAt(counted, from, age)
    const loadedLate = byAge && since !== null && chunk.createdAt !== null && microsOf(chunk.createdAt) >= since
    state.notDone.push({chunk, since, loadedLate, why})
  }
  state.late = isLate(state.notDone, now - graceOf(policy, lateAfter))
  return state
}

function notDone({kind, recompress, recompressUnordered}: LivePolicy, chunk: Chunk): DueChunk['why'] | null {
  if (kind === 'retention') return 'not dropped'
  if (!has(chunk.status, 'compressed')) return 'never compressed'
  if (!recompress) return null
  if (!isCompressed(chunk)) return 'refilled'
  return has(chunk.status, 'unordered') && recompressUnordered !== false ? 'unordered' : null
}

function isLate(chunks: readonly DueChunk[], before: bigint): boolean | null {
  if (chunks.some(({since}) => since !== null && since < before)) return true
  // On integer time without a unit it is not known since when a chunk is due. Refilled chunks are due, but not late.
  return chunks.some(({since, why}) => since === null && (why === 'never compressed' || why === 'not dropped'))
    ? null
    : false
}

/** A point moved by the width of a bucket, in UTC. Ages of policies are computed in ages.ts. */
export function shift(value: bigint, by: Offset, direction: 1 | -1): bigint {
  return typeof by === 'bigint' ? value + BigInt(direction) * by : addInterval(value, by, direction)
}

/** When the next chunk is due to be dropped, in microseconds since 1970; in the past if overdue. Null: not known. */
export function nextDrop(policy: LivePolicy, clock: TableClock): bigint | null {
  const {after, table} = policy
  if (
    policy.kind !== 'retention' ||
    policy.detaches === true ||
    after === null ||
    (typeof after === 'bigint') !== (table.time === 'integer')
  )
    return null
  let next: bigint | null = null
  for (const {end, status, tiered} of table.chunks)
    if (end !== null && !tiered && !has(status, 'frozen') && (next === null || end < next)) next = end
  return next === null ? null : dueAt(clock, next, after)
}
