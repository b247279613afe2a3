/** `[2, 26, 3]` of `2.26.3-dev`. */
function partsOf(version: string): number[] {
  return version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0)
}

/** The major version: 17 of `17.2`. */
export function majorOf(version: string): number {
  return partsOf(version)[0]!
}

/** Below, at or above zero, by the numbers of two versions. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)]
  const at = Array.from({length: Math.max(left.length, right.length)}, (_, index) => index).find(
    (index) => (left[index] ?? 0) !== (right[index] ?? 0),
  )
  return at === undefined ? 0 : (left[at] ?? 0) - (right[at] ?? 0)
}

/** The versions that something may have, both ends included; null where an end is not known. */
export interface VersionRange {
  from: string | null
  to: string | null
}

export const anyVersion: VersionRange = {from: null, to: null}

export function exactly(version: string): VersionRange {
  return {from: version, to: version}
}

/** The versions in both ranges; null if there is none. */
export function intersect(one: VersionRange, other: VersionRange): VersionRange | null {
  const from = outermost(one.from, other.from, 1)
  const to = outermost(one.to, other.to, -1)
  return from !== null && to !== null && compareVersions(from, to) > 0 ? null : {from, to}
}

/** @param sign 1 for the greater of two versions, -1 for the lesser; an unknown one gives way */
function outermost(one: string | null, other: string | null, sign: 1 | -1): string | null {
  if (one === null || other === null) return one ?? other
  return compareVersions(one, other) * sign >= 0 ? one : other
}

/** Whether all, some or none of the versions that may be meant have a property. */
export type Certainty = 'certain' | 'possible' | 'excluded'

/**
 * Whether the version is at least `since` and below `before`.
 * @param since null if every version below `before` counts
 * @param before null if every version from `since` on counts
 */
export function certaintyOf({from, to}: VersionRange, since: string | null, before: string | null): Certainty {
  if (to !== null && since !== null && compareVersions(to, since) < 0) return 'excluded'
  if (before !== null && from !== null && compareVersions(from, before) >= 0) return 'excluded'
  const allSince = since === null || (from !== null && compareVersions(from, since) >= 0)
  const allBefore = before === null || (to !== null && compareVersions(to, before) < 0)
  return allSince && allBefore ? 'certain' : 'possible'
}

/** `1.6.3`, `1.6.0 to 1.6.1`, `1.6.3 or newer`. */
export function rangeInWords({from, to}: VersionRange): string {
  if (from === null) return to === null ? 'an unknown version' : `${to} or older`
  if (to === null) return `${from} or newer`
  return compareVersions(from, to) === 0 ? from : `${from} to ${to}`
}
