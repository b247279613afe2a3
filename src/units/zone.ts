/**
 * What a schedule needs about a time zone: whether it exists, its offset from UTC at an instant, and its changes.
 * By Intl and not by temporal-polyfill, which takes twice as long for an offset (the call that schedules repeat) and 16
 * ms to load, a third of Node's own start; both find the same changes. Node 26 has Temporal built in.
 */

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
    formats.set(zone, format)
  }
  return format
}

/** True for IANA time zone names such as `Europe/Berlin` and `UTC`; false for an offset. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

/** The local time of a zone, in milliseconds since 1970 as if it were UTC. */
export function localTime(zone: string, instant: number): number {
  return instant + zoneOffset(zone, instant)
}

/** Half a day. Assumes that no zone changes twice within this time. */
const step = 12 * 3_600_000
/** The offsets at the beginnings of half days: about 13 years of one zone. */
const keptOffsets = 10_000
const offsets = new Map<string, number>()
/** The last instant of Date. */
const farthest = 8.64e15

/** The zone's offset from UTC in milliseconds, positive east of Greenwich. */
export function zoneOffset(zone: string, instant: number): number {
  if (zone === 'UTC') return 0
  // Intl takes 20 µs a call, and the chunks of a hypertable ask for thousands of instants close to each other.
  const half = Math.floor(instant / step)
  const before = offsetAtHalfDay(zone, half)
  return before === offsetAtHalfDay(zone, half + 1) ? before : askOffset(zone, instant)
}

function offsetAtHalfDay(zone: string, half: number): number {
  const key = `${half} ${zone}`
  let offset = offsets.get(key)
  if (offset === undefined) {
    offset = askOffset(zone, Math.min(Math.max(half * step, -farthest), farthest))
    if (offsets.size >= keptOffsets) offsets.clear()
    offsets.set(key, offset)
  }
  return offset
}

function askOffset(zone: string, instant: number): number {
  const parts: Record<string, string> = {}
  for (const {type, value} of formatOf(zone).formatToParts(instant)) parts[type] = value
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
  const milliseconds = ((instant % 1000) + 1000) % 1000
  const date = new Date(0)
  date.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
  date.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second), milliseconds)
  return date.getTime() - instant
}

/** Minutes since midnight in the zone's local time. */
export function minuteOfDay(zone: string, instant: number): number {
  return Math.floor((((localTime(zone, instant) / 60_000) % 1440) + 1440) % 1440)
}

/** `2026-03-29 03:00:00 +02:00`; seconds only if they are not zero. */
export function formatLocal(zone: string, instant: number): string {
  const text = new Date(localTime(zone, instant)).toISOString()
  const seconds = text.slice(16, 19) === ':00' ? '' : text.slice(16, 19)
  return `${text.slice(0, 10)} ${text.slice(11, 16)}${seconds} ${formatOffset(zoneOffset(zone, instant))}`
}

function formatOffset(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** An instant at which the zone's offset changes. */
export interface Transition {
  at: number
  /** Offset from UTC in milliseconds before the transition and from it on. */
  before: number
  after: number
}

/** Every change of the zone's offset in (from, to], to the second. */
export function transitions(zone: string, from: number, to: number): Transition[] {
  const found: Transition[] = []
  if (zone === 'UTC') return found
  let low = from
  let before = zoneOffset(zone, low)
  while (low < to) {
    const high = Math.min(low + step, to)
    const after = zoneOffset(zone, high)
    if (after !== before) found.push({at: firstWith(zone, after, low, high), before, after})
    low = high
    before = after
  }
  return found
}

function firstWith(zone: string, offset: number, low: number, high: number): number {
  let [before, from] = [Math.floor(low / 1000), Math.ceil(high / 1000)]
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2)
    if (zoneOffset(zone, middle * 1000) === offset) from = middle
    else before = middle
  }
  return from * 1000
}
