import {zoneOffset} from './zone.js'

/** How local time is derived: from an IANA time zone, or from a fixed offset in microseconds. */
export type ZoneRule = {name: string} | {fixedOffset: bigint}

/** Local time of the zone, in microseconds since 1970 as if it were UTC. */
export function localOf(zone: ZoneRule, instant: bigint): bigint {
  return instant + offsetAt(zone, instant)
}

/**
 * The instant of a local time, as PostgreSQL converts `timestamp` to `timestamptz`: a local time skipped by a clock
 * change uses the offset before the change, an ambiguous one the offset after it.
 */
export function instantOfLocal(zone: ZoneRule, local: bigint): bigint {
  if ('fixedOffset' in zone) return local - zone.fixedOffset
  // No zone is a day or more away from UTC, and none changes its offset twice within two days.
  const before = offsetAt(zone, local - 86_400_000_000n)
  const after = offsetAt(zone, local + 86_400_000_000n)
  const byBefore = local - before
  const byAfter = local - after
  const fits = (instant: bigint, offset: bigint) => offsetAt(zone, instant) === offset
  if (fits(byAfter, after)) return byAfter
  return fits(byBefore, before) || before < after ? byBefore : byAfter
}

function offsetAt(zone: ZoneRule, instant: bigint): bigint {
  if ('fixedOffset' in zone) return zone.fixedOffset
  // Rounds down, so that a fraction of a millisecond before 1970 is not lost.
  const part = ((instant % 1000n) + 1000n) % 1000n
  return BigInt(zoneOffset(zone.name, Number((instant - part) / 1000n))) * 1000n
}
