/** The sum of all parts; null if one of them is unknown, because the sum of the others would be read as that of all. */
export function wholeSum(parts: readonly (number | null)[]): number | null {
  let sum = 0
  for (const part of parts) {
    if (part === null) return null
    sum += part
  }
  return sum
}
