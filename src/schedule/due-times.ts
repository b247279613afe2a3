/** The only importer of croner. It computes due times here; its timers are never started. */
import {Cron} from 'croner'
import {messageOf} from '../errors.js'
import {scheduleProblem} from '../units/schedule.js'
import {isZone, transitions, zoneOffset, type Transition} from '../units/zone.js'

/** A schedule in a time zone. Its due times are milliseconds since 1970, always whole seconds. */
export interface ZonedSchedule {
  schedule: string
  timezone: string
}

interface CachedSchedule {
  cron: Cron
  /** Cache: the due time that follows a time. */
  next: Map<number, number | null>
}

const cachedSchedules = new Map<string, CachedSchedule>()
/** The most cached due times of a schedule. They are computed repeatedly, and croner takes 0.5 ms for each. */
const maxCachedTimes = 200

function cachedSchedule({schedule, timezone}: ZonedSchedule): CachedSchedule {
  const key = `${timezone} ${schedule}`
  let cached = cachedSchedules.get(key)
  if (cached === undefined) {
    // Times without wildcard or step are fixed: when the clocks skip an hour they run right after it, and when an hour
    // repeats they run once. By default croner treats a list such as `30 2,14 * * *` as an interval and skips it.
    const cron = lean(
      new Cron(schedule.trim(), {
        ...clockOf(timezone),
        paused: true,
        mode: '5-or-6-parts',
        fixedTimeRule: 'no-wildcard',
      }),
    )
    cached = {cron, next: new Map()}
    if (cachedSchedules.size > 5_000) cachedSchedules.clear()
    cachedSchedules.set(key, cached)
  }
  return cached
}

/** For a zone croner asks Intl, 40 µs for each due time; for a fixed offset it calculates, which takes 5 µs. */
function clockOf(timezone: string): {timezone: string} | {utcOffset: number} {
  return timezone === 'UTC' ? {utcOffset: 0} : {timezone}
}

let everyYear: readonly number[] | undefined

/**
 * Each croner pattern holds an array of 10 000 years, which schedules of five or six fields never read: 80 MB for a
 * thousand schedules. They share one array here. If a later croner stores it elsewhere, this does nothing.
 */
function lean(cron: Cron): Cron {
  const {pattern} = (cron as unknown as {_states?: {pattern?: {year?: number[]; starYear?: boolean}}})._states ?? {}
  if (pattern?.starYear !== true || !Array.isArray(pattern.year)) return cron
  everyYear ??= pattern.year
  if (everyYear.length === pattern.year.length) pattern.year = everyYear as number[]
  return cron
}

/** The first due time after `after`; null if the schedule has no further one. */
export function nextDueTime(schedule: ZonedSchedule, after: number): number | null {
  const {cron, next} = cachedSchedule(schedule)
  let at = next.get(after)
  if (at !== undefined) return at
  at = cron.nextRun(new Date(after))?.getTime() ?? null
  if (next.size >= maxCachedTimes) next.delete(next.keys().next().value!)
  next.set(after, at)
  return at
}

/** The due times in (after, until], ascending. They do not depend on where the range starts. */
export function* dueTimes(schedule: ZonedSchedule, after: number, until: number): Generator<number> {
  const {cron} = cachedSchedule(schedule)
  for (let at = cron.nextRun(new Date(after)); at !== null && at.getTime() <= until; at = cron.nextRun(at))
    yield at.getTime()
}

/** The ranges in which the last due time is searched, in milliseconds: most schedules have one within a day. */
const lookBack = [120_000, 3_600_000, 86_400_000, 40 * 86_400_000, 400 * 86_400_000]

/** The last due time up to a time; null if there was none in the 400 days before. */
export function lastDueTime(schedule: ZonedSchedule, until: number): number | null {
  for (const span of lookBack) {
    let last: number | null = null
    for (const at of dueTimes(schedule, until - span, until)) last = at
    if (last !== null) return last
  }
  return null
}

const hour = 3_600_000

/**
 * The number of due times in (after, until]. A schedule has the same minutes and seconds in each of its hours, so
 * croner is called once for each hour, except in the hours that a change of the UTC offset skips, repeats or adjoins.
 */
export function countDueTimes(schedule: ZonedSchedule, after: number, until: number): number {
  const {cron} = cachedSchedule(schedule)
  const changes = transitions(schedule.timezone, after - 26 * hour, until + 26 * hour)
  const offsetAt = offsets(schedule.timezone, changes, after)
  let inHour: number | null = null
  let count = 0
  let from = after
  for (;;) {
    const at = cron.nextRun(new Date(from))?.getTime() ?? null
    if (at === null || at > until) return count
    const offset = offsetAt(at)
    const begin = Math.floor((at + offset) / hour) * hour - offset
    const whole = begin > after && begin + hour - 1 <= until && !changes.some((change) => isNear(change, begin))
    inHour ??= whole ? [...dueTimes(schedule, begin - 1, begin + hour - 1)].length : null
    count += whole ? inHour! : 1
    from = whole ? begin + hour - 1 : at
  }
}

/** The UTC offset by the changes of a zone: asking Intl for each hour of a year took longer than croner. */
function offsets(zone: string, changes: readonly Transition[], from: number): (at: number) => number {
  const first = changes[0]?.before ?? zoneOffset(zone, from)
  return (at) => changes.findLast((change) => change.at <= at)?.after ?? first
}

/** Whether an hour is not like others: a change moves local times by its shift, and croner looks one hour around it. */
function isNear({at, before, after}: Transition, begin: number): boolean {
  return Math.abs(at - begin) <= Math.abs(after - before) + 2 * hour
}

/** What is wrong with a schedule or its time zone, as a clause; null if it is valid and has a due time after `now`. */
export function dueTimeProblem({schedule, timezone}: ZonedSchedule, now: number): string | null {
  const problem = scheduleProblem(schedule)
  if (problem !== null) return problem
  if (!isZone(timezone)) return `there is no time zone "${timezone}"; write it as Europe/Berlin or UTC`
  try {
    return nextDueTime({schedule, timezone}, now) === null ? `"${schedule}" never occurs` : null
  } catch (error) {
    return `"${schedule}": ${messageOf(error)}`
  }
}

/** What happens to a scheduled local time that is skipped or repeated by a change of the UTC offset. */
export interface DstNote {
  /** When the offset changes, in milliseconds since 1970. */
  at: number
  text: string
}

/** A note for every change of the UTC offset in (from, to] that affects the schedule. */
export function dstNotes(schedule: ZonedSchedule, from: number, to: number): DstNote[] {
  return transitions(schedule.timezone, from, to).flatMap((transition) => note(schedule, transition))
}

function note(schedule: ZonedSchedule, {at, before, after}: Transition): DstNote[] {
  const shift = after - before
  // Local times are handled as if they were UTC, which has no changes of the offset.
  const [low, high] = shift > 0 ? [at + before, at + after] : [at + after, at + before]
  const scheduled = [...dueTimes({...schedule, timezone: 'UTC'}, low - 1, high - 1)]
  if (scheduled.length === 0) return []
  const day = new Date(low).toISOString().slice(0, 10)
  const times = formatTimes(scheduled)
  const one = scheduled.length === 1
  const runs = one ? 'runs' : 'run'
  if (shift > 0) {
    const after = nextDueTime(schedule, at - 1) === at
    const scheduledThere = [...dueTimes({...schedule, timezone: 'UTC'}, high - 1, high)].length > 0
    const moved = scheduledThere ? `with the one at ${clock(high)}` : `at ${clock(high)} instead`
    const consequence = after ? `${runs} ${moved}` : `${one ? 'is' : 'are'} skipped`
    return [
      {
        at,
        text:
          `${day}: ${times} ${one ? 'does' : 'do'} not exist (the clocks go from ${clock(low)} to ${clock(high)}) ` +
          `and ${consequence}`,
      },
    ]
  }
  const both = [...dueTimes(schedule, at + shift - 1, at - shift - 1)].length > scheduled.length
  return [
    {
      at,
      text:
        `${day}: ${times} ${one ? 'occurs' : 'occur'} twice (the clocks go from ${clock(high)} back to ` +
        `${clock(low)}) and ${runs} ${both ? 'both times' : 'the first time only'}`,
    },
  ]
}

function formatTimes(times: readonly number[]): string {
  const shown = times.slice(0, 3).map(clock)
  return times.length > shown.length ? `${shown.join(', ')} and ${times.length - shown.length} more` : shown.join(', ')
}

function clock(local: number): string {
  const text = new Date(local).toISOString()
  return text.slice(17, 19) === '00' ? text.slice(11, 16) : text.slice(11, 19)
}
