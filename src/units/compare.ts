/** The ascending order of two values, as Array.sort() takes it: strings by code unit, not by locale. */
export function compareAscending<T extends string | number | bigint>(a: T, b: T): -1 | 0 | 1 {
  if (a === b) return 0
  return a < b ? -1 : 1
}
