import {usageError} from '../errors.js'

/**
 * A point in time as PostgreSQL returned it, to the microsecond: `2026-10-15T00:00:00Z`. A string, because a Date has
 * only milliseconds and cannot hold infinity.
 */
export type Instant = string

/** Converts `timestamptz` output under `DateStyle ISO` and `TimeZone UTC` to ISO 8601. Infinity becomes null. */
export function instantFromServer(text: string): Instant | null {
  if (text === 'infinity' || text === '-infinity') return null
  return text.replace(' ', 'T').replace(/\+00(:00)?( BC)?$/, 'Z$2')
}

const written = /^(\d{4,6}-\d\d)(?:(-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,6})?(Z|[+-]\d\d(?::?\d\d)?)?)?)?( BC)?$/

/**
 * Parses an instant typed by a person: ISO 8601, UTC unless it has an offset, time of day optional. Its year has four
 * digits, so that Date can hold it.
 * @throws OpsError INSTANT
 */
export function parseInstant(input: string): Instant {
  const instant = parseAnyInstant(input)
  if (!/^\d{4}-.*Z$/.test(instant)) throw notInstant(input)
  return instant
}

function notInstant(input: string) {
  return usageError('INSTANT', `"${input}" is not an instant.`, [
    'Write ISO 8601, for example 2026-01-31 or 2026-01-31T12:00:00Z.',
  ])
}

/**
 * Parses the same of every year, as reports print it: rows of a broken feed are in the year 12345 or in 44 BC.
 * @throws OpsError INSTANT
 */
export function parseAnyInstant(input: string): Instant {
  const [, month, day = '-01', time = '00:00', seconds = '', fraction = '', offset = 'Z', bc = ''] =
    written.exec(input.trim()) ?? []
  const micros = month === undefined || (fraction !== '' && seconds === '') ? null : microsWritten()
  if (micros === null || micros < oldest || micros >= end) throw notInstant(input)
  return formatEpochMicros(micros)

  function microsWritten(): bigint | null {
    const midnight = epochMicros(`${month}${day}T00:00:00Z${bc}`)
    // 2026-02-30 would be a day of March.
    if (midnight === null || !formatEpochMicros(midnight).startsWith(`${month}${day}T`)) return null
    const [hours = 0, minutes = 0] = time.split(':').map(Number)
    const whole = (hours * 60 + minutes) * 60 + Number(seconds.slice(1))
    if (minutes > 59 || Number(seconds.slice(1)) > 59 || whole > 86_400 || (whole === 86_400 && Number(fraction) > 0))
      return null
    const shift = offsetMinutes(offset)
    if (shift === null) return null
    return midnight + BigInt(whole - shift * 60) * 1_000_000n + BigInt(fraction.slice(1).padEnd(6, '0'))
  }
}

/** From the first time that PostgreSQL accepts, 4714-11-24 BC, to the last one that TimescaleDB counts as int8. */
const oldest = -210_866_803_200_000_000n
const end = 9_223_372_036_854_775_807n

/** Minutes ahead of UTC of `Z`, `+02`, `+0230` or `+02:30`; null if there is no such offset. */
function offsetMinutes(offset: string): number | null {
  if (offset === 'Z') return 0
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(3).replace(':', ''))]
  if (hours > 23 || minutes > 59) return null
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/** Whole seconds from one instant to another, rounded down; negative when `to` is earlier, NaN if one is not a time. */
export function secondsBetween(from: Instant, to: Instant): number {
  const [start, end] = [epochMicros(from), epochMicros(to)]
  return start === null || end === null ? Number.NaN : Math.floor(Number((end - start) / 1000n) / 1000)
}

const civil = /^([+-]?\d{4,6})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?Z?( BC)?$/
const dayMicros = 86_400_000_000n

/**
 * Microseconds since 1970 of an instant, or of a local time as if it were UTC; null if the text is not a time. Covers
 * every year that PostgreSQL accepts: broken feeds write 12345 and 44 BC, which Date.parse rejects.
 */
export function epochMicros(text: string): bigint | null {
  const [, year, month, day, hours, minutes, seconds, fraction = '', bc] = civil.exec(text) ?? []
  if (year === undefined) return null
  // There is no year 0: 1 BC is year 0 in astronomical numbering.
  const days = daysSinceEpoch(bc === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day))
  const time = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return BigInt(days) * dayMicros + BigInt(time) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}

/** Inverse of {@link epochMicros}, readable by the server: `12345-01-01T00:00:00Z`, `0044-03-15T00:00:00Z BC`. */
export function formatEpochMicros(micros: bigint): Instant {
  const time = ((micros % dayMicros) + dayMicros) % dayMicros
  const [year, month, day] = dateOf(Number((micros - time) / dayMicros))
  const seconds = Number(time / 1_000_000n)
  const fraction =
    time % 1_000_000n === 0n ? '' : `.${(time % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '')}`
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')
  return `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}${fraction}Z${year > 0 ? '' : ' BC'}`
}

function two(count: number): string {
  return String(count).padStart(2, '0')
}

/** Days since 1970 in the proleptic Gregorian calendar. Years start in March, so that the leap day comes last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return marchYear * 365 + leapDays + dayOfYear - 719_468
}

/** The inverse of {@link daysSinceEpoch}. */
function dateOf(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return [
    yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  ]
}

/**
 * A point in time for people: `2026-11-27 22:40`. Seconds only if they are not zero, the date alone at midnight, never
 * fractions of a second. No zone: the column heading or {@link instantInWords} adds it.
 */
export function formatInstant(instant: Instant): string {
  const [, day, minutes, seconds, bc = ''] = /^(.*?)T(\d\d:\d\d):(\d\d)[^ ]*( BC)?$/.exec(instant) ?? []
  if (day === undefined) return instant
  if (minutes === '00:00' && seconds === '00') return `${day}${bc}`
  return `${day} ${minutes}${seconds === '00' ? '' : `:${seconds}`}${bc}`
}

/** The same for a sentence: `2026-11-27 22:40 UTC`. A time without a zone gets none. */
export function instantInWords(instant: Instant): string {
  return isInstant(instant) ? `${formatInstant(instant)} UTC` : formatInstant(instant)
}

/** True for a point in time in UTC; false for a time without a zone. */
function isInstant(text: string): boolean {
  return /T.*Z( BC)?$/.test(text)
}

/** The form of every instant in JSON: always milliseconds, microseconds only if they are not zero. */
export function jsonInstant(instant: Instant): string {
  return instant.replace(/(T\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z/, (_, time: string, fraction = '') => {
    const micros = (fraction as string).padEnd(6, '0')
    return `${time}.${micros.endsWith('000') ? micros.slice(0, 3) : micros}Z`
  })
}

/** Converts milliseconds since 1970 to an instant; no fraction if it is zero. */
export function instantFromMillis(ms: number): Instant {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
