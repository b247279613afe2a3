import type {Database} from '../../db/database.js'
import type {Child} from '../children.js'
import {firstUnseen, uncovered} from '../coverage.js'
import {allUnseen} from '../retain/detach-record.js'
import type {PartitionSet} from '../sets.js'

/** What the aggregates over a set know about partitions that are about to be detached. */
export interface Gate {
  /** Why rows of a partition would be missing from an aggregate, by the partition's qualified name. */
  missing: ReadonlyMap<string, string>
  /**
   * From which transaction on rows of a partition may be missing; see {@link allUnseen}. Null: no aggregate reads them.
   */
  unseenFrom(child: Child): string | null
}

/**
 * The aggregates over a set must have computed the rows of a partition before these leave the table. A partition that
 * is not covered now, or whose coverage cannot be checked up to the detach, may miss any of its rows.
 */
export async function readGate(db: Database, set: PartitionSet, children: readonly Child[]): Promise<Gate> {
  // Read before coverage: rows of later transactions may be missing from the check.
  const seen = await firstUnseen(db, set)
  if (seen === null) return {missing: new Map(), unseenFrom: () => null}
  if (set.distributed) {
    const why = `an aggregate reads ${set.relation}, which Citus distributes: its rows cannot be checked up to the detach`
    return {missing: new Map(children.map(({relation}) => [relation, why])), unseenFrom: () => allUnseen}
  }
  const missing = new Map((await uncovered(db, set, children)).map(({child, why}) => [child.relation, why]))
  // The transactions that wrote the rows of a foreign table are not known.
  const isUnknown = ({relation, kind}: Child) => missing.has(relation) || kind === 'f'
  return {missing, unseenFrom: (child) => (isUnknown(child) ? allUnseen : seen)}
}
