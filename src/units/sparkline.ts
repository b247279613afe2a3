const bars = '▁▂▃▄▅▆▇█'

/**
 * A line of values as bars, one character each, in the order of time; an unknown value is a space.
 * @param least the value of the lowest bar; default: the smallest value, so that small changes of a large size are seen
 */
export function sparkline(values: readonly (number | null)[], least?: number): string {
  const known = values.filter((value) => value !== null)
  const lowest = least ?? Math.min(...known)
  const range = Math.max(...known) - lowest
  const barOf = (value: number) => {
    // Equal values are in the middle: the lowest bar would look like nothing.
    if (range <= 0) return bars[3]!
    const share = Math.max(0, value - lowest) / range
    return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))]!
  }
  return values.map((value) => (value === null ? ' ' : barOf(value))).join('')
}
