import {usageError} from '../errors.js'

const names = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/**
 * Bytes with three significant digits in the units of pg_size_pretty (1 kB = 1024 B), so that sizes match those of
 * psql.
 */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes)
  let unit = 0
  while (value >= 999.5 && unit < names.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${bytes < 0 ? '-' : ''}${value.toFixed(unit === 0 ? 0 : decimalPlaces(value))} ${names[unit]}`
}

/** Decimal places for three significant digits, including values that round up to 10.0 and 100. */
function decimalPlaces(value: number): number {
  if (value >= 99.95) return 0
  return value >= 9.995 ? 1 : 2
}

const example = 'Write for example 500GB, 2TB or a number of bytes. Units are those of PostgreSQL: 1 kB = 1024 bytes.'

/**
 * Parses `2TB`, `500 GiB`, `1.5 TB`, `1048576`. Units count in steps of 1024, as in {@link formatBytes}; `GB` and `GiB`
 * are the same.
 * @throws OpsError SIZE
 */
export function parseBytes(input: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgtp])i?)?b?$/i.exec(input.trim())
  if (match === null) throw usageError('SIZE', `"${input}" is not a size in bytes.`, [example])
  const exponent = match[2] === undefined ? 0 : 'kmgtp'.indexOf(match[2].toLowerCase()) + 1
  const bytes = Math.round(Number(match[1]) * 1024 ** exponent)
  if (bytes <= 0 || !Number.isSafeInteger(bytes))
    throw usageError('SIZE', `"${input}" is ${bytes <= 0 ? 'zero' : '8 PB or more'}.`, [example])
  return bytes
}
