import {pointOf} from './time-key.js'
import {microsOf, type TimeKind} from './time.js'

export interface Range {
  start: bigint | null
  end: bigint | null
}

// pg_get_expr prints the bounds of an integer without quotes, and those of a bigint with them.
const constant = "'((?:[^']|'')*)'|MINVALUE|MAXVALUE|(-?\\d+)"
const shape = new RegExp(String.raw`^FOR VALUES FROM \((?:${constant})[^)]*\) TO \((?:${constant})[^)]*\)$`)

/**
 * Parses the range of a partition, as pg_get_expr prints it, by its first column: microseconds since 1970, or the
 * integer. A side is null if it has no bound; both are null for DEFAULT and for lists.
 */
export function parsePartitionBound(text: string | null, kind: TimeKind): Range {
  const [from, to] = constantsOf(text)
  return {start: boundOf(from, kind), end: boundOf(to, kind)}
}

/** The first constant of each side, unquoted; undefined for MINVALUE, MAXVALUE, DEFAULT and lists. */
function constantsOf(text: string | null): [from: string | undefined, to: string | undefined] {
  const [, from, fromNumber, to, toNumber] = shape.exec(text ?? '') ?? []
  return [from ?? fromNumber, to ?? toNumber]
}

function boundOf(text: string | undefined, kind: TimeKind): bigint | null {
  if (text === undefined) return null
  if (kind === 'integer') return /^-?\d+$/.test(text) ? BigInt(text) : null
  if (kind === 'uuid') return pointOf({kind: 'uuidv7', type: 'uuid'}, text)
  if (kind === 'ulid') return pointOf({kind: 'ulid', type: 'text'}, text)
  const [, day, time = '00:00:00'] = /^(\d{4,6}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?(?:\+00)?$/.exec(text) ?? []
  if (day === undefined || (kind !== 'timestamptz' && kind !== 'timestamp' && kind !== 'date')) return null
  return microsOf(`${day.length > 10 ? `+${day.padStart(12, '0')}` : day}T${time}Z`)
}

// 2000 and 2100. Bounds that are not times lie outside: those of a set by random UUIDs are spread over 48 bits of
// milliseconds, which reach the year 10889.
const [earliest, latest] = [946_684_800_000_000n, 4_102_444_800_000_000n]

/**
 * Whether all bounds of a set by `uuid` or `ulid`, whose type does not say that it is a time, are times. True for a set
 * without partitions; unknown for one that has only a default partition.
 */
export function areTimes(bounds: readonly (string | null)[], kind: 'uuid' | 'ulid'): boolean {
  const points = bounds
    .flatMap((bound) => constantsOf(bound))
    .flatMap((constant) => (constant === undefined ? [] : [boundOf(constant, kind)]))
  const isKnown = points.length > 0 || bounds.every((bound) => bound === null)
  return isKnown && points.every((point) => point !== null && point >= earliest && point <= latest)
}
