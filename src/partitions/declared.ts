import type {Database} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {definitionsApply} from '../catalog/definitions-apply.js'
import {findPartitioned} from './find-table.js'
import type {PartitionRule} from './periods.js'
import {nameKey, readAbove} from './sets.js'

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
  return {relation, declared: rules.length === 0 ? null : await ruleOf(db, relation, rules)}
}

/** The rule of a table or of the nearest table above it, whose partitions may carry the time. */
async function ruleOf(db: Database, relation: string, rules: readonly PartitionRule[]): Promise<PartitionRule | null> {
  const own = rules.find((rule) => nameKey(rule.relation) === nameKey(relation))
  if (own !== undefined) return own
  for (const above of await readAbove(db, relation)) {
    const rule = rules.find((each) => nameKey(each.relation) === nameKey(above))
    if (rule !== undefined) return {...rule, relation}
  }
  return null
}
