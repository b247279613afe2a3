import type {Server} from '../../db/server.js'
import {durationInWords, type Duration} from '../../units/duration.js'
import type {Instant} from '../../units/instant.js'
import type {TableClock} from '../../catalog/table-clock.js'
import {ago, dueAt} from '../../catalog/ages.js'
import type {Offset} from '../../catalog/live-policies.js'
import {rulesOf, type LiveRule, type TableState} from '../table-state.js'
import type {Chunk, Table} from '../../catalog/table.js'
import {fromMicros, instantOf, microsOf, toMicros} from '../../catalog/time.js'
import {offsetInWords} from '../../catalog/offset-words.js'
import {timeUnitSetting} from '../../catalog/time-unit-advice.js'
import {isProblem, toOffset} from '../offsets.js'
import {chunksBefore} from '../reach.js'

/** A table with its policies as they would be after a plan, and the facts that the checks need. */
export interface CheckSubject {
  table: Table
  state: TableState
  clock: TableClock
  indexes: number
  /** Tables that its foreign keys reference. */
  references: readonly string[]
  /** Foreign keys of other tables that reference it. */
  referencedBy: readonly string[]
  /** Exact bytes per microsecond (or integer) of recent rows; null if not measured. */
  bytesPerPoint: number | null
  /** Ranges that the next run of its retention would drop and aggregates have not covered. */
  uncovered: readonly {aggregate: string; range: string; flags: {from?: string; to?: string}}[]
}

/** Everything that the checks read. Plain data. */
export interface ProofFacts {
  server: Server
  at: Instant
  now: bigint
  subjects: ReadonlyMap<Table, CheckSubject>
  /** Number of locks that all transactions of the server can hold together. */
  lockSpace: number
  /** effective_cache_size in bytes. */
  cache: number
}

const day = 86_400_000_000n

/** A retention, and the age at which it drops rows or chunks. */
export interface Retention {
  rule: LiveRule
  after: Offset
  /** The age counts from the creation of a chunk. */
  byCreation: boolean
}

/** The retention that drops rows first, if a table has several. */
export function retentionOf(subject: Pick<CheckSubject, 'state'>): Retention | null {
  return retentionsOf(subject).reduce<Retention | null>(
    (first, each) => (first === null || least(each.after) < least(first.after) ? each : first),
    null,
  )
}

/** Every retention of a table. If there are several, each of them runs. */
export function retentionsOf({state}: Pick<CheckSubject, 'state'>): Retention[] {
  return rulesOf(state, 'retention').flatMap((rule) => {
    const age = rule.after ?? rule.createdBefore
    if (age === null) return []
    const byCreation = rule.after === null
    // A gated retention is declared as a duration also on integer time; the creation of a chunk is an instant.
    const after = typeof age === 'bigint' || byCreation ? age : toOffset(age, state.scale)
    return isProblem(after) ? [] : [{rule, after, byCreation}]
  })
}

/** The age of a retention in words: `30 days`, `30 days since the creation of the chunk`. */
export function retentionWords({rule, byCreation}: Retention, {state}: Pick<CheckSubject, 'state'>): string {
  return `${offsetInWords(rule.after ?? rule.createdBefore, byCreation ? 'time' : state.scale)}${byCreation ? ' since the creation of the chunk' : ''}`
}

/** The shortest length of an age, in microseconds or integers: a month may have 28 days. */
export function least(offset: Offset): bigint {
  return typeof offset === 'bigint' ? offset : micros(offset, 365, 28)
}

/** The longest length of an age, in microseconds or integers. */
export function most(offset: Offset): bigint {
  return typeof offset === 'bigint' ? offset : micros(offset, 366, 31)
}

function micros({months, days, seconds}: Duration, year: number, month: number): bigint {
  const whole = Math.floor(months / 12) * year + (months % 12) * month + days
  return BigInt(whole) * day + BigInt(Math.round(seconds * 1e6))
}

/** The length of a chunk or partition: the chunk interval, else the length of the newest. */
export function chunkLength({state, table}: CheckSubject): bigint | null {
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

/** When the oldest chunk reaches an age, not before now; without chunks, the age counts from now. */
export function affectsData({table, clock}: CheckSubject, age: Offset, facts: ProofFacts): Instant | null {
  const ends = table.chunks.flatMap(({end}) => (end === null ? [] : [end]))
  const from = earliest(ends) ?? clock.now
  const then = from === null ? null : dueAt(clock, from, age)
  return then === null ? null : notBefore(then, facts)
}

/** When a retention drops the first chunk; null if not known. */
export function firstDrop(subject: CheckSubject, {after, byCreation}: Retention, facts: ProofFacts): Instant | null {
  if (!byCreation) return affectsData(subject, after, facts)
  const made = subject.table.chunks.flatMap(({createdAt}) => (createdAt === null ? [] : [microsOf(createdAt)]))
  const then = dueAt(creationClock(facts), earliest(made) ?? facts.now, after)
  return then === null ? null : notBefore(then, facts)
}

/** The chunks that a retention would drop at its first run. */
export function chunksToDrop({table, clock}: CheckSubject, {after, byCreation}: Retention, facts: ProofFacts): Chunk[] {
  const cutoff = ago(byCreation ? creationClock(facts) : clock, after)
  if (cutoff === null) return []
  if (!byCreation) return chunksBefore(table, cutoff)
  return table.chunks.filter(({createdAt, tiered}) => createdAt !== null && !tiered && microsOf(createdAt) < cutoff)
}

/** Chunks record their creation as an instant, also those of tables on integer time. */
function creationClock({now}: ProofFacts): TableClock {
  return {now, unit: null, time: 'timestamptz'}
}

function earliest(points: readonly bigint[]): bigint | null {
  return points.reduce<bigint | null>((first, point) => (first === null || point < first ? point : first), null)
}

function notBefore(then: bigint, {now}: ProofFacts): Instant | null {
  return instantOf(then < now ? now : then)
}

/**
 * A suggestion for the configuration, which takes durations only: the ages of a table on integers of an unknown unit
 * cannot be written there before their unit is.
 */
export function declaration(text: string, {state, table}: Pick<CheckSubject, 'state' | 'table'>): string {
  return state.scale === 'unknown' ? `first the unit (s, ms, us or ns): ${timeUnitSetting(table, 'ms')}` : text
}

/** A length on a table's scale in words that the configuration accepts. */
export function words(points: bigint, {state}: CheckSubject): string {
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

/** The largest round chunk interval up to a length. */
export function roundLength(atMost: bigint, subject: CheckSubject): string {
  const {scale} = subject.state
  const sizes = [30n * day, 7n * day, day, day / 2n, day / 4n, day / 24n]
  const inPoints = sizes.map((size) => (scale === 'time' || scale === 'unknown' ? size : fromMicros(size, scale)))
  return words(inPoints.find((size) => size <= atMost) ?? inPoints.at(-1)!, subject)
}
