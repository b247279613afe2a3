import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {usageError} from '../errors.js'
import {toInterval, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {refuseDistributed} from '../catalog/distributed.js'
import {readChildren, type Child} from './children.js'
import type {PartitionRule} from './periods.js'
import {changeableSet, type PartitionSet} from './sets.js'

export interface OldRequest {
  relation: string
  olderThan: Duration
  /** The calendar of keys without a zone. */
  timezone: string
}

export interface OldPartitions {
  set: PartitionSet
  cutoff: Instant
  cutoffEpoch: number
  /** Attached and wholly older than the cut-off, oldest first. */
  old: Child[]
  /** Half detached: nothing else can be detached concurrently before they are finished. */
  pending: Child[]
  /** The newest partition where it is old too: the last one stays. */
  kept: Child | null
}

/**
 * The partitions of a set that are older than a cut-off; the last one is never among them.
 * @throws OpsError DISTRIBUTED (exit 2) on a table of Citus
 */
export async function oldPartitions(db: Database, {relation, olderThan, timezone}: OldRequest): Promise<OldPartitions> {
  const set = await changeableSet(db, relation)
  await refuseDistributed(db, set.relation)
  const clock = await db.query<{cutoff: Instant; epoch: number; local: number}>(
    sql`select now - ${toInterval(olderThan)}::interval as cutoff, extract(epoch from now - ${toInterval(olderThan)}::interval)::float8 as epoch,
  extract(epoch from now at time zone ${timezone} - ${toInterval(olderThan)}::interval)::float8 as local
from statement_timestamp() as now`,
  )
  const {cutoff, epoch, local} = clock[0]!
  const cutoffEpoch = set.type === 'timestamp with time zone' ? epoch : local
  const children = await readChildren(db, [set.relation], true)
  const pending = children.filter((child) => child.pending)
  const attached = children.filter((child) => !child.pending && !child.isDefault)
  const last = attached.at(-1)
  const old = attached.filter(({toEpoch}) => toEpoch !== null && toEpoch <= cutoffEpoch)
  return {
    set,
    cutoff,
    cutoffEpoch,
    pending,
    old: old.filter((child) => child !== last),
    kept: last && old.includes(last) ? last : null,
  }
}

/** How old a partition must be: as said, else as declared. @throws OpsError NO_RANGE */
export function requireAge(relation: string, given: Duration | undefined, declared: PartitionRule | null): Duration {
  const age = given ?? declared?.retention ?? null
  if (age !== null) return age
  throw usageError('NO_RANGE', `Nothing declares how long ${relation} is kept: how old must a partition be?`, [
    'Give --older-than 24mon, or declare tables.<name>.retention in the configuration.',
  ])
}

/** CONCURRENTLY needs a session of its own. @throws OpsError POOLER */
export function requireSession(db: Database): void {
  if (!db.server.pooled || db.target.directUrl) return
  throw usageError(
    'POOLER',
    'Detaching a partition concurrently needs a session of its own, and a transaction pooler stands between.',
    ['Give the target a directUrl past the pooler, or run with --url to the server itself.'],
  )
}

/** What is said before a plan of a set with a default partition. */
export function insteadOfConcurrently(set: PartitionSet): string {
  return `${set.relation} has a default partition (${set.defaultPartition}), and PostgreSQL detaches nothing CONCURRENTLY there: each partition is taken out under ACCESS EXCLUSIVE, waited for in short turns.`
}
