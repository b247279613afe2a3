import type {Database} from '../../db/database.js'
import {sql} from '../../db/sql.js'
import {sqlState, SqlState} from '../../db/sqlstate.js'
import {qicore} from '../../schema/qicore.js'
import {declaredPolicies, keyOf, type Declared, type PolicySections} from './declared.js'
import type {TimeUnit} from '../time.js'

/** What is declared for this database: the definitions speak only where our migrations are recorded. */
export async function readDeclared(db: Database, sections: PolicySections | null): Promise<Declared[]> {
  return declaredPolicies((await definitionsApply(db)) ? qicore : null, sections)
}

/** What one is in tables on integer time, where it was said. */
export function timeUnitsOf(declared: readonly Declared[]): Map<string, TimeUnit> {
  return new Map(declared.flatMap((each) => (each.timeUnit === undefined ? [] : [[keyOf(each), each.timeUnit] as const])))
}

async function definitionsApply(db: Database): Promise<boolean> {
  if (!db.server.hasCore) return false
  try {
    const [row] = await db.query<{recorded: boolean}>(sql`select exists (select from qicore.schema_versions where stream = 'qicore') as recorded`)
    return row?.recorded ?? false
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return false
    throw error
  }
}
