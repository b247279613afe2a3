import type {Database} from '../db/database.js'
import type {PartitionRule} from '../partitions/periods.js'
import {rulesByRelation} from '../partitions/declared.js'
import {findSource} from './source.js'

/** The declared calendar of a table that is not partitioned yet; null if none is declared. */
export async function ruleFor(
  db: Database,
  table: string,
  rules: readonly PartitionRule[],
): Promise<PartitionRule | null> {
  const {relation} = await findSource(db, table)
  return (await rulesByRelation(db, rules)).get(relation) ?? null
}
