import {approximateSeconds, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {ago, dueAt} from './ages.js'
import type {TableClock} from './table-clock.js'
import {addInterval} from './interval.js'
import type {LivePolicy, Offset} from './live-policies.js'
import {has, isCompressed, type Chunk} from './table.js'
import {microsOf} from './time.js'

/** A chunk that a policy should have dealt with and did not. */
export interface DueChunk {
  chunk: Chunk
  /** Microseconds since 1970; null where that is not recorded anywhere. */
  since: bigint | null
  /** It was made when its rows were that old already: they were loaded afterwards. False where that is not recorded. */
  loadedLate: boolean
  why: 'never compressed' | 'refilled' | 'unordered' | 'not dropped'
}

/** What a policy over chunks has to do by now. */
export interface DueState {
  policy: LivePolicy
  /** Chunks that it should have dealt with by now, done or not; null where the table's clock is not known. */
  due: number | null
  notDone: DueChunk[]
  /** Work has been due for longer than the schedule and a grace time explain; null where that is not known. */
  late: boolean | null
}

// A policy of ours without a schedule of its own runs with the daily maintenance.
const daily: Duration = {months: 0, days: 1, seconds: 0}

/** How long after it fell due work counts as late, in microseconds: the grace time plus one interval of the schedule. */
export function graceOf(policy: LivePolicy, lateAfter: number): bigint {
  return BigInt(Math.round((lateAfter + approximateSeconds(policy.schedule ?? daily) * 1000) * 1000))
}

/** When a chunk was created, in microseconds since 1970; null where that is not recorded. */
function creationOf({createdAt}: Chunk): bigint | null {
  return createdAt === null ? null : microsOf(createdAt)
}

/**
 * Compression and retention, by the state of the chunks alone: what a job says of itself is no proof.
 * @param lateAfter milliseconds
 */
export function dueState(policy: LivePolicy, clock: TableClock, at: Instant, lateAfter: number): DueState {
  const unknown: DueState = {policy, due: null, notDone: [], late: null}
  const age = policy.after ?? policy.createdBefore
  if (age === null) return unknown
  const now = microsOf(at)
  const byAge = policy.after !== null
  // The creation of a chunk is an instant, whatever its table counts in.
  const counted: TableClock = byAge
    ? clock
    : {now, unit: null, time: 'timestamptz', ...(clock.zone && {zone: clock.zone})}
  const cutoff = byAge && (typeof age === 'bigint') !== (policy.table.time === 'integer') ? null : ago(counted, age)
  if (cutoff === null) return unknown
  // Ranges that cannot be read (a set by UUID) say nothing of what is due.
  if (
    byAge &&
    policy.table.chunks.length > 0 &&
    policy.table.chunks.every(({start, end}) => start === null && end === null)
  )
    return unknown
  const state: DueState = {policy, due: 0, notDone: [], late: false}
  for (const chunk of policy.table.chunks) {
    const from = byAge ? chunk.end : creationOf(chunk)
    // No policy changes frozen and tiered chunks.
    if (from === null || (byAge ? from > cutoff : from >= cutoff) || chunk.tiered || has(chunk.status, 'frozen'))
      continue
    state.due! += 1
    const why = notDone(policy, chunk)
    if (why === null) continue
    // When rows were written into a compressed chunk is not recorded.
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
  // An integer clock without a unit: due, and since when is not known. Refilled chunks are due, not late.
  return chunks.some(({since, why}) => since === null && (why === 'never compressed' || why === 'not dropped'))
    ? null
    : false
}

/** A value moved by a length in UTC: the width of a bucket. What is so old now, and since when, is asked of ages.ts. */
export function shift(value: bigint, by: Offset, direction: 1 | -1): bigint {
  return typeof by === 'bigint' ? value + BigInt(direction) * by : addInterval(value, by, direction)
}

/** When the next chunk is to be dropped, in microseconds; in the past where that is overdue. */
export function nextDrop(policy: LivePolicy, clock: TableClock): bigint | null {
  const {after, table} = policy
  if (policy.kind !== 'retention' || after === null || (typeof after === 'bigint') !== (table.time === 'integer'))
    return null
  let next: bigint | null = null
  for (const {end, status, tiered} of table.chunks)
    if (end !== null && !tiered && !has(status, 'frozen') && (next === null || end < next)) next = end
  return next === null ? null : dueAt(clock, next, after)
}
