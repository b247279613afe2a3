import type {Database} from '../../db/database.js'
import type {PartitionRule} from '../../partitions/periods.js'
import {readSets} from '../../partitions/sets.js'
import {undeclared} from '../../partitions/undeclared.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {kindOf, type Change} from '../plan/change.js'
import {declaredName, type Declared} from '../declared/declared.js'
import type {Problem} from '../plan/problem.js'

/**
 * Problems of retentions on partitioned tables whose bounds are not times: the age of a partition is not known.
 * Integers are times in the unit of the change.
 * `partitions drop` refuses the same keys. Removing a policy is always possible.
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
  const rules = changes.flatMap((change) =>
    change.do === 'gated retention' && change.timeUnit !== null
      ? [{...undeclared(change.key), timeUnit: change.timeUnit}]
      : [],
  )
  return [...(await unfitKeys(db, partitioned, rules)).values()]
}

/**
 * The problems of retentions on partitioned tables that status reports as missing: none can be applied.
 * @returns by `schema.table`
 */
export async function unfitDeclared(
  db: Database,
  declared: readonly Declared[],
  tables: readonly Table[],
): Promise<Map<string, Problem>> {
  const partitioned = new Set(tables.filter(({kind}) => kind === 'partitioned').map(qualifiedName))
  const wanted = declared.filter(
    (each) => each.retention !== undefined && each.retention !== 'none' && partitioned.has(declaredName(each)),
  )
  if (wanted.length === 0) return new Map()
  const rules = wanted.flatMap((each) =>
    each.timeUnit === undefined ? [] : [{...undeclared(declaredName(each)), timeUnit: each.timeUnit}],
  )
  return unfitKeys(db, wanted.map(declaredName), rules)
}

async function unfitKeys(
  db: Database,
  relations: readonly string[],
  rules: readonly PartitionRule[],
): Promise<Map<string, Problem>> {
  const problems = (await readSets(db, relations, rules)).flatMap(({relation, unfit}): [string, Problem][] =>
    unfit === null
      ? []
      : [
          [
            relation,
            {
              code: 'PARTITION_KEY',
              message: `${relation}: the age of its partitions is not known, so a retention is not possible. ${unfit}`,
              // qicore.retain reads the bounds of these types only.
              suggestion:
                'A retention needs a table that is partitioned by range of one date, timestamp, timestamptz or ' +
                'integer column; of an integer the configuration has the timeUnit.',
            },
          ],
        ],
  )
  return new Map(problems)
}
