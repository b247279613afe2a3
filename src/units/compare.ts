/** Comparator for Array.sort(), ascending; strings by code unit, not by locale. */
export function compareAscending<T extends string | number | bigint>(a: T, b: T): -1 | 0 | 1 {
  if (a === b) return 0
  return a < b ? -1 : 1
}
