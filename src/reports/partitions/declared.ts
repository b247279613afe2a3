import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {sql, statement} from '../../db/sql.js'
import {SqlState, sqlState} from '../../db/sqlstate.js'
import type {PartitionRule} from './periods.js'

/** Whether the tables of QiCore were made here by our migrations, as partition sets. */
export async function definitionsApply(db: Database): Promise<boolean> {
  if (!db.server.hasCore || db.server.engine !== 'postgres') return false
  try {
    const [row] = await db.query<{recorded: boolean}>(sql`select exists (select from qicore.schema_versions where stream = 'qicore') as recorded`)
    return row?.recorded ?? false
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return false
    throw error
  }
}

/** The rule of each relation that is there, by its name as SQL writes it. */
export async function rulesByRelation(db: Database, rules: readonly PartitionRule[]): Promise<Map<string, PartitionRule>> {
  if (rules.length === 0) return new Map()
  const names = await db.query<{name: string; relation: string | null}>(statement(loadSql('catalog/partition-names'), [rules.map(({relation}) => relation)]))
  return new Map(names.flatMap(({relation}, index) => (relation === null ? [] : [[relation, rules[index]!] as const])))
}
