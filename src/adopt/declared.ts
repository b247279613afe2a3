import type {Database} from '../db/database.js'
import type {PartitionRule} from '../partitions/periods.js'
import {nameKey} from '../partitions/sets.js'
import {findSource} from './source.js'

/** The declared calendar of a table that is not partitioned yet; null if none is declared. */
export async function ruleFor(
  db: Database,
  table: string,
  rules: readonly PartitionRule[],
): Promise<PartitionRule | null> {
  const key = nameKey((await findSource(db, table)).relation)
  return rules.find((rule) => nameKey(rule.relation) === key) ?? null
}
