import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {engineNamed} from '../engines/index.js'
import {definitionsApply} from '../catalog/definitions-apply.js'
import {findPartitioned} from './find-table.js'
import type {PartitionRule} from './periods.js'

/** Whether migrations of this program created QiCore's tables in this database, as partition sets. */
export async function partitionsDefined(db: Database): Promise<boolean> {
  return engineNamed(db.server.engine).layout === 'partitions' && (await definitionsApply(db))
}

/** The rules of relations that exist, by qualified name, quoted as in SQL. */
export async function rulesByRelation(
  db: Database,
  rules: readonly PartitionRule[],
): Promise<Map<string, PartitionRule>> {
  if (rules.length === 0) return new Map()
  const names = await db.query<{name: string; relation: string | null}>(
    statement(loadSql('partitions/names'), [rules.map(({relation}) => relation)]),
  )
  return new Map(names.flatMap(({relation}, index) => (relation === null ? [] : [[relation, rules[index]!] as const])))
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
  return {relation, declared: (await rulesByRelation(db, rules)).get(relation) ?? null}
}
