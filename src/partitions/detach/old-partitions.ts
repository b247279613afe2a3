import type {Database} from '../../db/database.js'
import {sql} from '../../db/sql.js'
import {usageError} from '../../errors.js'
import {command} from '../../units/command.js'
import {toInterval, type Duration} from '../../units/duration.js'
import type {Instant} from '../../units/instant.js'
import {isZoned} from '../../catalog/time-key.js'
import {readChildren, type Child} from '../children.js'
import type {PartitionRule} from '../periods.js'
import {changeableSets, type PartitionSet} from '../sets.js'

export interface OldRequest {
  relation: string
  olderThan: Duration
  /** Time zone of keys without a time zone. */
  timezone: string
  /** What is declared about the set: without it an integer, uuid or text key is not known to be a time. */
  rule?: PartitionRule | null
}

export interface OldPartitions {
  set: PartitionSet
  cutoff: Instant
  cutoffEpoch: number
  /** Attached and entirely older than the cutoff, oldest first. */
  old: Child[]
  /** Pending detach: no other partition can be detached concurrently before this is finished. */
  pending: Child[]
  /** The last partition if it is old too; it is kept. */
  kept: Child | null
}

/**
 * The partitions of a table that are older than a cutoff, without the last one of each set that carries its time.
 */
export async function oldPartitions(
  db: Database,
  {relation, olderThan, timezone, rule = null}: OldRequest,
): Promise<OldPartitions[]> {
  const sets = await changeableSets(db, relation, rule)
  const clock = await db.query<{cutoff: Instant; epoch: number; local: number}>(
    sql`select now - ${toInterval(olderThan)}::interval as cutoff, extract(epoch from now - ${toInterval(olderThan)}::interval)::float8 as epoch,
  extract(epoch from now at time zone ${timezone} - ${toInterval(olderThan)}::interval)::float8 as local
from statement_timestamp() as now`,
  )
  const {cutoff, epoch, local} = clock[0]!
  const children = await readChildren(db, sets, true)
  return sets.map((set) => {
    const cutoffEpoch = isZoned(set.key!) ? epoch : local
    const own = children.filter(({parent}) => parent === set.relation)
    return {set, cutoff, cutoffEpoch, ...agesOf(own, cutoffEpoch)}
  })
}

function agesOf(children: readonly Child[], cutoffEpoch: number): Pick<OldPartitions, 'old' | 'pending' | 'kept'> {
  const attached = children.filter((child) => !child.pending && !child.isDefault)
  const last = attached.at(-1)
  const old = attached.filter(({toEpoch}) => toEpoch !== null && toEpoch <= cutoffEpoch)
  return {
    pending: children.filter((child) => child.pending),
    old: old.filter((child) => child !== last),
    kept: last && old.includes(last) ? last : null,
  }
}

/**
 * The age at which a partition is old: as given, else as declared. A retention with stages declares no age for a drop
 * that follows no stage.
 * @throws OpsError NO_RANGE
 */
export function requireAge(
  verb: 'detach' | 'drop',
  relation: string,
  given: Duration | undefined,
  declared: PartitionRule | null,
): Duration {
  const staged = verb === 'drop' && declared?.stages
  const age = given ?? (staged ? null : (declared?.retention ?? null))
  if (age !== null) return age
  if (staged)
    throw usageError('NO_RANGE', `The retention of ${relation} has stages, so the age of the partitions is needed.`, [
      `To carry out the stages: ${command('partitions retain', [relation], {'dry-run': true})}`,
      'To drop partitions without them, give --older-than 24mon.',
    ])
  throw usageError('NO_RANGE', `No retention is declared for ${relation}, so the age of the partitions is needed.`, [
    'Give --older-than 24mon, or declare tables.<name>.retention in the configuration.',
  ])
}

/** The note about a set whose partitions cannot be detached CONCURRENTLY. */
export function insteadOfConcurrently({relation, defaultPartition, distributed}: PartitionSet): string[] {
  const how = 'each partition is detached under ACCESS EXCLUSIVE, with short attempts to get the lock'
  if (distributed)
    return [`${relation} is distributed by Citus, which cannot detach CONCURRENTLY: ${how}, on every node.`]
  if (defaultPartition === null) return []
  return [
    `${relation} has a default partition (${defaultPartition}), so PostgreSQL cannot detach CONCURRENTLY: ${how}.`,
  ]
}
