import type {Database} from '../db/database.js'
import {qicore} from '../schema/built-in.js'
import {declaredPolicies, declaredName, type Declared, type PolicySections} from './declared.js'
import {definitionsApply} from '../catalog/definitions-apply.js'
import type {TimeUnit} from '../catalog/time.js'

/** What is declared for this database: the definitions speak only where our migrations are recorded. */
export async function readDeclared(db: Database, sections: PolicySections | null): Promise<Declared[]> {
  return declaredPolicies((await definitionsApply(db)) ? qicore : null, sections)
}

/** What one is in tables on integer time, where it was said. */
export function timeUnitsOf(declared: readonly Declared[]): Map<string, TimeUnit> {
  return new Map(
    declared.flatMap((each) => (each.timeUnit === undefined ? [] : [[declaredName(each), each.timeUnit] as const])),
  )
}
