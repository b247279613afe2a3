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
