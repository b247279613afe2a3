/** The two things a schedule needs of a time zone: whether it exists, and how far from UTC it is at an instant. */

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

/** True for the names of the IANA database, as `Europe/Berlin` and `UTC`; an offset is no zone. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

/** What the clocks of a zone show, as the milliseconds that UTC would have if it showed the same. */
export function localTime(zone: string, instant: number): number {
  if (zone === 'UTC') return instant
  const parts: Record<string, string> = {}
  for (const {type, value} of formatOf(zone).formatToParts(instant)) parts[type] = value
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
  const milliseconds = ((instant % 1000) + 1000) % 1000
  const date = new Date(0)
  date.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
  date.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second), milliseconds)
  return date.getTime()
}

/** Milliseconds that the zone's clocks are ahead of UTC. */
export function zoneOffset(zone: string, instant: number): number {
  return localTime(zone, instant) - instant
}

/** Minutes since midnight on the zone's clocks. */
export function minuteOfDay(zone: string, instant: number): number {
  return Math.floor((((localTime(zone, instant) / 60_000) % 1440) + 1440) % 1440)
}

/** `2026-03-29 03:00:00 +02:00`, the seconds only where there are any. */
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

/** An instant at which the zone's clocks are put forward or back. */
export interface Transition {
  at: number
  /** Milliseconds ahead of UTC before it and from it on. */
  before: number
  after: number
}

const step = 12 * 3_600_000

/** Every change of the zone's offset in (from, to], to the second. Zones with two changes in 12 hours are unknown. */
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
