import {epochMicros, formatEpochMicros} from '../units/instant.js'
import {highest, lowest} from './span.js'
import {fromMicros, microsOfUuid, pointWords, toMicros, type TimeKind, type TimeUnit} from './time.js'

/**
 * How a partition key stores time. It turns an instant into the text of a bound and a bound into an instant; both are
 * microseconds since 1970. A `timestamp` or `date` is the local time of the set, counted as if it were UTC.
 */
export type TimeKey = {
  /** The type of the column, as format_type prints it. */
  type: string
} & ({kind: 'timestamptz' | 'timestamp' | 'date' | 'uuidv7' | 'ulid'} | {kind: 'integer'; unit: TimeUnit})

/** What the configuration says about a key that does not say itself that it is a time. */
export interface KeyDeclaration {
  /** Unit of an integer key. */
  timeUnit: TimeUnit | null
  /** Format of a text key. */
  keyFormat: 'ulid' | null
}

/** A column that may be a time key. */
export interface KeyColumn {
  column: string
  type: string
  /** Whether the key compares text byte by byte; null if the type has no collation. */
  bytewise: boolean | null
}

const timeTypes: Record<string, 'timestamptz' | 'timestamp' | 'date'> = {
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
  date: 'date',
}

/**
 * The time key of a column, or the reason why it is none.
 * @param declared null if the table is not declared; then a uuid is not known to be a UUIDv7
 */
export function timeKeyOf(
  {column, type, bytewise}: KeyColumn,
  declared: KeyDeclaration | null,
): {key: TimeKey} | {reason: string} {
  const time = timeTypes[type]
  if (time !== undefined) return {key: {kind: time, type}}
  const named = `${column} (${type})`
  if (type === 'integer' || type === 'bigint') {
    if (declared?.timeUnit) return {key: {kind: 'integer', type, unit: declared.timeUnit}}
    return {reason: `by ${named}, whose unit of time is not declared (timeUnit: s, ms, us or ns)`}
  }
  if (type === 'uuid') {
    if (declared !== null) return {key: {kind: 'uuidv7', type}}
    return {reason: `by ${named}, which is a time only if its values are UUIDv7: declare the set to have it read so`}
  }
  if (type !== 'text' && type !== 'character varying')
    return {reason: `by ${named}, which is not a date, timestamp, integer, uuid or text`}
  if (declared?.keyFormat !== 'ulid') return {reason: `by ${named}, whose format is not declared (keyFormat: ulid)`}
  if (bytewise !== true)
    return {
      reason: `by ${named}, whose collation does not order text as ULIDs are ordered: only the collation "C" does`,
    }
  return {key: {kind: 'ulid', type}}
}

/** Whether its points are instants; false if they are local times without a time zone. */
export function isZoned({kind}: TimeKey): boolean {
  return kind !== 'timestamp' && kind !== 'date'
}

/** The distance of two neighbouring points, in microseconds; 1 where it is smaller. */
export function resolutionOf(key: TimeKey): bigint {
  if (key.kind === 'date') return 86_400_000_000n
  if (key.kind === 'uuidv7' || key.kind === 'ulid') return 1000n
  return key.kind === 'integer' ? {s: 1_000_000n, ms: 1000n, us: 1n, ns: 1n}[key.unit] : 1n
}

/**
 * The text of a bound: the smallest value of the key at or after the instant. It is what `pg_get_expr` prints for it.
 * @throws RangeError if the key cannot store the instant
 */
export function boundText(key: TimeKey, micros: bigint): string {
  const step = resolutionOf(key)
  const at = floorDiv(micros + step - 1n, step) * step
  if (key.kind === 'integer') return integerText(key, at)
  if (key.kind === 'uuidv7' || key.kind === 'ulid') return prefixText(key.kind, floorDiv(at, 1000n))
  const [, day, time, bc = ''] = /^(.+)T(.+)Z( BC)?$/.exec(formatEpochMicros(at))!
  if (key.kind === 'date') return `${day}${bc}`
  return `${day} ${time}${key.kind === 'timestamptz' ? '+00' : ''}${bc}`
}

function integerText({type, unit}: TimeKey & {kind: 'integer'}, micros: bigint): string {
  const value = fromMicros(micros, unit)
  const bits = type === 'integer' ? 31n : 63n
  if (value >= 2n ** bits || value < -(2n ** bits)) throw new RangeError(`${value} does not fit into ${type}`)
  return String(value)
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A UUID or ULID that begins with 48 bits of milliseconds; the rest is zero, so that it precedes all of them. */
function prefixText(kind: 'uuidv7' | 'ulid', millis: bigint): string {
  if (millis < 0n || millis >= 2n ** 48n) throw new RangeError(`${millis} ms since 1970 do not fit into 48 bits`)
  if (kind === 'uuidv7') {
    const digits = millis.toString(16).padStart(12, '0')
    return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`
  }
  let text = ''
  for (let shift = 45n; shift >= 0n; shift -= 5n) text += crockford[Number((millis >> shift) & 31n)]!
  return `${text}${'0'.repeat(16)}`
}

/** The instant of a value of the key, as text, rounded down to its resolution; null if the text is not a time. */
export function pointOf(key: TimeKey, text: string): bigint | null {
  if (key.kind === 'integer') return /^-?\d+$/.test(text) ? toMicros(BigInt(text), key.unit) : null
  if (key.kind === 'uuidv7') return /^[0-9a-f-]{36}$/i.test(text) ? microsOfUuid(text) : null
  if (key.kind === 'ulid') return pointOfUlid(text)
  if (text === 'infinity') return highest
  if (text === '-infinity') return lowest
  const [, day, time = '00:00:00', bc = ''] =
    /^(\d{4,6}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?(?:\+00)?( BC)?$/.exec(text) ?? []
  return day === undefined ? null : epochMicros(`${day}T${time}Z${bc}`)
}

/** Lower case is refused: byte by byte it follows upper case, so a set that mixes both is not ordered by time. */
function pointOfUlid(text: string): bigint | null {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{9,25}$/.test(text)) return null
  let millis = 0n
  for (const character of text.slice(0, 10)) millis = millis * 32n + BigInt(crockford.indexOf(character))
  return millis * 1000n
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

/** The two ends of `FOR VALUES FROM (…) TO (…)`, unquoted; `MINVALUE` and `MAXVALUE` as they are. Null for others. */
export function boundEnds(bound: string): [lower: string, upper: string] | null {
  const [, lower, upper] = rangeBound.exec(bound) ?? []
  return lower === undefined || upper === undefined ? null : [unquote(lower), unquote(upper)]
}

const constant = "'(?:[^']|'')*'|MINVALUE|MAXVALUE|-?\\d+"
const rangeBound = new RegExp(`^FOR VALUES FROM \\((${constant})\\) TO \\((${constant})\\)$`)

function unquote(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text
}

/** The point of one end of a bound; {@link lowest} and {@link highest} without one; null if it is not a time. */
export function endOf(key: TimeKey, text: string): bigint | null {
  if (text === 'MINVALUE') return lowest
  return text === 'MAXVALUE' ? highest : pointOf(key, text)
}

/**
 * A point as text that the input function of the time column's type accepts. For a UUIDv7 or ULID it is the smallest
 * one of that time: TimescaleDB refuses to compare the key of a hypertable with a UUID of another version.
 */
export function pointText(point: bigint, time: TimeKind): string {
  if (time === 'uuid') return `${boundText({kind: 'uuidv7', type: 'uuid'}, point).slice(0, 13)}-7000-8000-000000000000`
  if (time === 'ulid') return boundText({kind: 'ulid', type: 'text'}, point)
  return pointWords(point, time)
}
