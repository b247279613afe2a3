import type {Database} from '../../db/database.js'
import {can} from '../../engines/index.js'
import {qicore} from '../../schema/built-in.js'
import {distributable} from '../../schema/distributable.js'
import {declaredPolicies, declaredName, type Declared, type PolicySections} from './declared.js'
import {definitionsApply} from '../../catalog/definitions-apply.js'
import type {TimeUnit} from '../../catalog/time.js'

/** The declarations for this database. The definitions apply only if migrations of QiCore's tables are recorded. */
export async function readDeclared(db: Database, sections: PolicySections | null): Promise<Declared[]> {
  if (!(await definitionsApply(db))) return declaredPolicies(null, sections)
  return declaredPolicies(can(db.server.engine, 'distribution') ? distributable(qicore) : qicore, sections)
}

/** The declared units of tables on integer time, by qualified name. */
export function timeUnitsOf(declared: readonly Declared[]): Map<string, TimeUnit> {
  return new Map(
    declared.flatMap((each) => (each.timeUnit === undefined ? [] : [[declaredName(each), each.timeUnit] as const])),
  )
}
