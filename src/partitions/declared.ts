import type {Database} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {definitionsApply} from '../catalog/definitions-apply.js'
import {findPartitioned} from './find-table.js'
import type {PartitionRule} from './periods.js'
import {nameKey} from './sets.js'

/** Whether migrations of this program created QiCore's tables in this database, as partition sets. */
export async function partitionsDefined(db: Database): Promise<boolean> {
  return engineNamed(db.server.engine).layout === 'partitions' && (await definitionsApply(db))
}

/**
 * The qualified name of a set and its rule, null if none is declared.
 * @throws OpsError the errors of {@link findPartitioned}
 */
export async function namedSet(
  db: Database,
  name: string,
  rules: readonly PartitionRule[],
): Promise<{relation: string; declared: PartitionRule | null}> {
  const relation = await findPartitioned(db, name)
  const key = nameKey(relation)
  return {relation, declared: rules.find((rule) => nameKey(rule.relation) === key) ?? null}
}
