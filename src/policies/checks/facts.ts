import {durationInWords, type Duration} from '../../units/duration.js'
import type {Instant} from '../../units/instant.js'
import type {TableClock} from '../../catalog/table-clock.js'
import {dueAt} from '../../catalog/ages.js'
import type {Offset} from '../../catalog/live-policies.js'
import {rulesOf, type LiveRule, type TableState} from '../table-state.js'
import type {Table} from '../../catalog/table.js'
import {fromMicros, instantOf, toMicros} from '../../catalog/time.js'
import {isProblem, toOffset} from '../offsets.js'

/** A table as its policies would stand, and what they meet there. */
export interface Subject {
  table: Table
  state: TableState
  clock: TableClock
  indexes: number
  /** Tables that its foreign keys point to. */
  references: readonly string[]
  /** Foreign keys that lead to it. */
  referencedBy: readonly string[]
  integerNow: boolean
  /** Exact bytes of a microsecond (or an integer) of recent rows; null: not measured. */
  bytesPerPoint: number | null
  /** What aggregates have not covered of what the next run of its retention would drop. */
  uncovered: readonly {aggregate: string; range: string; flags: {from?: string; to?: string}}[]
}

/** Everything that the proof looks at: pure data. */
export interface ProofFacts {
  at: Instant
  now: bigint
  subjects: ReadonlyMap<Table, Subject>
  /** Locks that all transactions of the server may hold together. */
  lockSpace: number
  /** Bytes that the server believes to be cached for it. */
  cache: number
}

const day = 86_400_000_000n

/** The retention that a table would have, and how old rows are when it takes them. */
export function retentionOf({state}: Pick<Subject, 'state'>): {rule: LiveRule; after: Offset} | null {
  const rule = rulesOf(state, 'retention').find(({after, createdBefore}) => after !== null || createdBefore !== null)
  const after = rule?.after ?? rule?.createdBefore ?? null
  if (rule === undefined || after === null) return null
  // A gated one is declared as a duration, whatever its table counts in.
  const offset = typeof after === 'bigint' ? after : toOffset(after, state.scale)
  return isProblem(offset) ? null : {rule, after: offset}
}

/** The shortest that an age can be, in microseconds or integers: a month may be February. */
export function least(offset: Offset): bigint {
  return typeof offset === 'bigint' ? offset : micros(offset, 365, 28)
}

/** The longest that it can be. */
export function most(offset: Offset): bigint {
  return typeof offset === 'bigint' ? offset : micros(offset, 366, 31)
}

function micros({months, days, seconds}: Duration, year: number, month: number): bigint {
  const whole = Math.floor(months / 12) * year + (months % 12) * month + days
  return BigInt(whole) * day + BigInt(Math.round(seconds * 1e6))
}

/** How long a chunk or partition is: what was set, else that of the newest. */
export function chunkLength({state, table}: Subject): bigint | null {
  if (state.chunkInterval !== null) return state.chunkInterval
  const lengths = table.chunks.flatMap(({start, end}) =>
    start === null || end === null ? [] : [{end, length: end - start}],
  )
  return (
    lengths.reduce<{end: bigint; length: bigint} | null>(
      (newest, each) => (newest === null || each.end > newest.end ? each : newest),
      null,
    )?.length ?? null
  )
}

/** When the oldest chunk reaches an age: now where it has, or where there is none the age from now on. */
export function affectsData({table, clock}: Subject, age: Offset, facts: ProofFacts): Instant | null {
  const ends = table.chunks.flatMap(({end}) => (end === null ? [] : [end]))
  const oldest = ends.reduce<bigint | null>((first, end) => (first === null || end < first ? end : first), null)
  const from = oldest ?? clock.now
  const then = from === null ? null : dueAt(clock, from, age)
  if (then === null) return null
  return instantOf(then < facts.now ? facts.now : then)
}

/** A length on a table's scale in words that a configuration takes. */
export function words(points: bigint, {state}: Subject): string {
  const {scale} = state
  if (scale === 'unknown') return String(points)
  const total = scale === 'time' ? points : toMicros(points, scale)
  const days = total / day
  const rest = Number(total - days * day) / 1e6
  return durationInWords({
    months: 0,
    days: Number(days),
    seconds: days > 0n ? Math.floor(rest / 3600) * 3600 : Math.floor(rest),
  })
}

/** A round length of chunks, at most so long. */
export function roundLength(atMost: bigint, subject: Subject): string {
  const {scale} = subject.state
  const sizes = [30n * day, 7n * day, day, day / 2n, day / 4n, day / 24n]
  const inPoints = sizes.map((size) => (scale === 'time' || scale === 'unknown' ? size : fromMicros(size, scale)))
  return words(inPoints.find((size) => size <= atMost) ?? inPoints.at(-1)!, subject)
}
