import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import type {Instant} from '../units/instant.js'
import {readChildren, type Child} from './children.js'
import {uncoveredParts, type KeyRange} from './key-range.js'
import {readPeriods, type PartitionRule, type Period, type WantedPeriods} from './periods.js'
import {readSets, type PartitionSet} from './sets.js'

/** How far ahead of now the partitions of a set extend. */
export interface Reach {
  /**
   * End of the partitions that follow the current one without a gap; null if unknown, open, or with a default
   * partition.
   */
  until: Instant | null
  /** With a default partition: from when on rows go there. Null without one, or if unknown or open. */
  defaultFrom: Instant | null
  /**
   * Whole days from now to `until`; 0 if no partition covers now. Null with a default partition, or if the end is open
   * or unknown.
   */
  daysLeft: number | null
  /** A partition takes current rows; null if not known, or if a default partition takes them. */
  coversNow: boolean | null
  /** No partition follows the current one. */
  last: boolean
}

/** The attached partitions except the default one. */
export function rangedChildren(children: readonly Child[]): Child[] {
  return children.filter((child) => !child.isDefault && !child.pending)
}

/** How far the partitions extend. @param now seconds since 1970; keys without a time zone are taken as UTC */
export function reachOf(
  set: Pick<PartitionSet, 'unfit' | 'defaultPartition'>,
  children: readonly Child[],
  now: number,
): Reach {
  const ranged = rangedChildren(children)
  if (set.unfit !== null || ranged.length === 0) return unknownReach
  const reach = reachWithoutDefault(ranged, now)
  return set.defaultPartition === null ? reach : {...unknownReach, defaultFrom: reach.until}
}

const unknownReach: Reach = {until: null, defaultFrom: null, daysLeft: null, coversNow: null, last: false}

function reachWithoutDefault(ranged: readonly Child[], now: number): Reach {
  const current = ranged.findIndex(
    ({fromEpoch, toEpoch}) => fromEpoch !== null && toEpoch !== null && fromEpoch <= now && toEpoch > now,
  )
  if (current === -1) {
    const before = ranged.filter(({toEpoch}) => toEpoch !== null && toEpoch <= now).at(-1)
    return {...unknownReach, until: before?.to ?? null, daysLeft: 0, coversNow: false}
  }
  let end = current
  while (ranged[end + 1] !== undefined && ranged[end + 1]!.fromEpoch === ranged[end]!.toEpoch) end += 1
  const {to, toEpoch} = ranged[end]!
  if (!Number.isFinite(toEpoch)) return unknownReach
  return {
    until: to,
    defaultFrom: null,
    daysLeft: Math.floor((toEpoch! - now) / 86_400),
    coversNow: true,
    last: end === current,
  }
}

/** The end of a sentence that says from when on inserts fail or go to the default partition; empty if not known. */
export function failsFrom({until, defaultFrom, daysLeft, coversNow}: Reach): string {
  if (defaultFrom !== null) return `: rows go to the default partition from ${defaultFrom} on`
  if (until === null || daysLeft === null || coversNow !== true) return ''
  return `: inserting fails from ${until} on, ${daysInWords(daysLeft)} from now`
}

function daysInWords(days: number): string {
  if (days === 0) return 'less than a day'
  return days === 1 ? '1 day' : `${days} days`
}

/** A range between two partitions that no partition covers. */
export interface Gap {
  from: Instant | null
  to: Instant | null
}

/** The gaps between partitions, which are sorted by time. */
export function gapsOf(ranged: readonly Child[]): Gap[] {
  const gaps: Gap[] = []
  let last: Child | undefined
  for (const child of ranged) {
    if (last && last.toEpoch !== null && child.fromEpoch !== null && last.toEpoch < child.fromEpoch)
      gaps.push({from: last.to, to: child.from})
    last = child
  }
  return gaps
}

/** The wanted periods that partitions do not cover, or only in part. */
export function missingPeriods(children: readonly Child[], wanted: readonly Period[]): Period[] {
  const ranged = rangedChildren(children)
  const ranges = ranged.flatMap(({range}): KeyRange[] => (range === null ? [] : [range]))
  return wanted.filter(({range}) => uncoveredParts(range, ranges).length > 0)
}

/**
 * The number of periods after the current one: wanted, and existing without a gap.
 * @param wanted periods, beginning with the current one
 */
export function aheadOf(wanted: readonly Period[], missing: readonly Period[]): {wanted: number; there: number} {
  const there = missing[0] ? wanted.indexOf(missing[0]) - 1 : wanted.length - 1
  return {wanted: wanted.length - 1, there: Math.max(there, 0)}
}

/** Seconds since 1970 by the server's clock. */
export async function readNow(db: Database): Promise<number> {
  return (await db.query<{now: number}>(sql`select extract(epoch from statement_timestamp())::float8 as now`))[0]!.now
}

/** The state of a declared set that the daemon watches. */
export interface SetAhead {
  schema: string
  table: string
  wanted: number
  there: number
  /** No partition takes current rows. */
  nowMissing: boolean
  hasDefault: boolean
  reach: Reach
}

/** The declared sets that qicore-db manages, without sizes. Waits for no lock. */
export async function readAhead(db: Database, rules: readonly PartitionRule[]): Promise<SetAhead[]> {
  if (rules.length === 0) return []
  const relations = rules.map(({relation}) => relation)
  const sets = (await readSets(db, relations, rules)).filter(isManaged)
  if (sets.length === 0) return []
  const [periods, children, now] = await Promise.all([
    readPeriods(db, sets.map(wantedOf)),
    readChildren(db, sets, false),
    readNow(db),
  ])
  return sets.flatMap((set, index) => {
    const wanted = periods.filter((period) => period.index === index && period.sane)
    if (wanted.length === 0) return []
    const own = children.filter(({parent}) => parent === set.relation)
    const missing = missingPeriods(own, wanted)
    return [
      {
        schema: set.schema,
        table: set.table,
        ...aheadOf(wanted, missing),
        nowMissing: missing[0] === wanted[0],
        hasDefault: set.defaultPartition !== null,
        reach: reachOf(set, own, now),
      },
    ]
  })
}

type ManagedSet = PartitionSet & {rule: PartitionRule}

/** Declared, with a key that is a time, and not managed by another tool. */
export function isManaged(set: PartitionSet): set is ManagedSet {
  return set.rule !== null && set.unfit === null && set.managedBy === null
}

/** The current period of a set and those ahead of it. */
export function wantedOf({relation, rule}: ManagedSet): WantedPeriods {
  return {...rule, relation, first: null, last: null}
}
