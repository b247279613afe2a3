import {zoneOffset} from './zone.js'

/** Whose calendar is counted in: a zone of the IANA database, or clocks that are always as far from UTC. */
export type ZoneRule = {name: string} | {fixedOffset: bigint}

/** Microseconds since 1970 that the zone's clocks show, as if they showed UTC. */
export function localOf(zone: ZoneRule, instant: bigint): bigint {
  return instant + offsetAt(zone, instant)
}

/**
 * The instant at which the zone's clocks show a local time, as PostgreSQL reads a `timestamp`: one that a clock change
 * leaves out by the offset before the change, one that comes twice by the offset after it.
 */
export function instantOfLocal(zone: ZoneRule, local: bigint): bigint {
  if ('fixedOffset' in zone) return local - zone.fixedOffset
  // No zone is a day away from UTC, and none changes twice within two days.
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
  // Floored: a millisecond that has begun is not over.
  const part = ((instant % 1000n) + 1000n) % 1000n
  return BigInt(zoneOffset(zone.name, Number((instant - part) / 1000n))) * 1000n
}
