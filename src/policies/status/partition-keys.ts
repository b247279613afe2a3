import type {Database} from '../../db/database.js'
import type {PartitionRule} from '../../partitions/periods.js'
import {keysInWords, readSets, type PartitionSet} from '../../partitions/sets.js'
import {undeclared} from '../../partitions/undeclared.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {kindOf, type Change} from '../plan/change.js'
import {declaredName, type Declared} from '../declared/declared.js'
import type {Problem} from '../plan/problem.js'

/**
 * Problems of retentions on partitioned tables whose bounds are not times: the age of a partition is not known.
 * `partitions drop` refuses the same keys. Removing a policy is always possible.
 */
export async function unreadableKeys(
  db: Database,
  changes: readonly Change[],
  tables: readonly Table[],
  declared: readonly Declared[],
): Promise<Problem[]> {
  const retentions = changes.filter((change) => change.do !== 'remove' && kindOf(change) === 'retention')
  const rules = retentions.map((change) => ({
    ...undeclared(change.key),
    // Integers are times in the unit of the change.
    timeUnit: change.do === 'gated retention' ? change.timeUnit : null,
    keyFormat: declared.find((each) => declaredName(each) === change.key)?.keyFormat ?? null,
  }))
  return [...(await unfitKeys(db, tables, rules)).values()]
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
  const rules = declared
    .filter(({retention}) => retention !== undefined && retention !== 'none')
    .map((each) => ({
      ...undeclared(declaredName(each)),
      timeUnit: each.timeUnit ?? null,
      keyFormat: each.keyFormat ?? null,
    }))
  return unfitKeys(db, tables, rules)
}

/** @param rules of the tables in question; those of tables that are not partitioned are not used */
async function unfitKeys(
  db: Database,
  tables: readonly Table[],
  rules: readonly PartitionRule[],
): Promise<Map<string, Problem>> {
  const partitioned = new Map(
    tables.filter(({kind}) => kind === 'partitioned').map((table) => [qualifiedName(table), table]),
  )
  const wanted = rules.filter(({relation}) => partitioned.has(relation))
  if (wanted.length === 0) return new Map()
  const relations = wanted.map(({relation}) => relation)
  const problems = new Map<string, Problem>()
  for (const set of await readSets(db, relations, wanted)) {
    const unfit = set.unfit ?? notTimes(set, partitioned.get(set.relation))
    if (unfit !== null) problems.set(set.relation, unreadable(set.relation, unfit))
  }
  return problems
}

/** A uuid is declared to be a UUIDv7 by its retention alone: its bounds must be those of a time as well. */
function notTimes({relation, key}: PartitionSet, table: Table | undefined): string | null {
  if (key?.kind !== 'uuidv7' && key?.kind !== 'ulid') return null
  if (table?.time !== 'other') return null
  return `${relation} has partitions whose bounds are not times between 2000 and 2100, so its ${
    key.kind === 'ulid' ? 'texts are not ULIDs' : 'UUIDs are not UUIDv7'
  }.`
}

function unreadable(relation: string, unfit: string): Problem {
  return {
    code: 'PARTITION_KEY',
    message: `${relation}: the age of its partitions is not known, so a retention is not possible. ${unfit}`,
    suggestion: `${keysInWords} ${keySettings}`,
  }
}

const keySettings =
  'Both settings are those of the table: tables.<name>.timeUnit and tables.<name>.partitions.keyFormat.'
