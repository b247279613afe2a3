import type {TimeKind} from './time.js'
import {microsOf} from './time.js'

export interface Range {
  start: bigint | null
  end: bigint | null
}

const unbounded: Range = {start: null, end: null}
// pg_get_expr prints the bounds of an integer without quotes, and those of a bigint with them.
const constant = "'((?:[^']|'')*)'|MINVALUE|MAXVALUE|(-?\\d+)"
const shape = new RegExp(String.raw`^FOR VALUES FROM \((?:${constant})[^)]*\) TO \((?:${constant})[^)]*\)$`)

/**
 * Parses the range of a partition, as pg_get_expr prints it, by its first column: microseconds since 1970, or the
 * integer. A side is null if it has no bound; both are null for DEFAULT and for lists.
 */
export function parsePartitionBound(text: string | null, kind: TimeKind): Range {
  const [, from, fromNumber, to, toNumber] = shape.exec(text ?? '') ?? []
  return text === null ? unbounded : {start: boundOf(from ?? fromNumber, kind), end: boundOf(to ?? toNumber, kind)}
}

function boundOf(text: string | undefined, kind: TimeKind): bigint | null {
  if (text === undefined) return null
  if (kind === 'integer') return /^-?\d+$/.test(text) ? BigInt(text) : null
  const [, day, time = '00:00:00'] = /^(\d{4,6}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?(?:\+00)?$/.exec(text) ?? []
  if (day === undefined || (kind !== 'timestamptz' && kind !== 'timestamp' && kind !== 'date')) return null
  return microsOf(`${day.length > 10 ? `+${day.padStart(12, '0')}` : day}T${time}Z`)
}
