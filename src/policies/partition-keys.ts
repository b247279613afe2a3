import type {Database} from '../db/database.js'
import {readSets} from '../partitions/sets.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {kindOf, type Change} from './change.js'
import type {Problem} from './problem.js'

/**
 * Retentions of partitioned tables whose bounds are no times: no retention could ever tell how old a partition is.
 * The same keys are refused by `partitions drop`; removing a policy is always possible.
 */
export async function unreadableKeys(
  db: Database,
  changes: readonly Change[],
  tables: readonly Table[],
): Promise<Problem[]> {
  const keys = new Set(
    changes.filter((change) => change.do !== 'remove' && kindOf(change) === 'retention').map(({key}) => key),
  )
  const partitioned = tables
    .filter((table) => table.kind === 'partitioned' && keys.has(qualifiedName(table)))
    .map(qualifiedName)
  if (partitioned.length === 0) return []
  return (await readSets(db, partitioned)).flatMap(({relation, unfit}) =>
    unfit === null
      ? []
      : [
          {
            code: 'PARTITION_KEY',
            message: `${relation}: a retention cannot tell how old its partitions are. ${unfit}`,
            suggestion:
              'A retention needs a table that is partitioned by range of one date, timestamp or timestamptz column.',
          },
        ],
  )
}
