/** An age in at most two units, which flags also accept: `41s`, `9min`, `1h 5min`, `2d 14h`, `3y 20d`. */
export function formatAge(seconds: number): string {
  if (seconds < 0) return `in ${formatAge(-seconds)}`
  return seconds >= 60 && seconds < 3600 ? `${Math.floor(seconds / 60)}min` : twoUnits(Math.floor(seconds))
}

/** A run time in the same units: `7.20ms`, `3.58s`, `1min 5s`, `1h 25min`. */
export function formatElapsed(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(decimalPlaces(ms))}ms`
  const seconds = ms / 1000
  return seconds < 60 ? `${seconds.toFixed(decimalPlaces(seconds))}s` : twoUnits(Math.round(seconds))
}

/** Decimal places for three significant digits, including values that round up to 10.0 and 100. */
function decimalPlaces(value: number): number {
  if (value < 9.95) return 2
  return value < 99.5 ? 1 : 0
}

const units = [
  ['y', 365 * 86_400],
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

function twoUnits(seconds: number): string {
  const first = units.findIndex(([, size]) => seconds >= size)
  if (first === -1) return '0s'
  const [name, size] = units[first]!
  const next = units[first + 1]
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[1])
  return `${Math.floor(seconds / size)}${name}${rest > 0 ? ` ${rest}${next![0]}` : ''}`
}
