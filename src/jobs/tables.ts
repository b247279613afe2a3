import type {Database} from '../db/database.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {declaredPolicies, type Declared} from '../reports/policies/declared.js'
import {qicore} from '../schema/qicore.js'
import {readRecorded} from '../schema/migrate/recorded.js'
import type {JobContext} from './kind.js'

/** Whether QiCore's own tables were made here by our migrations: only then do the definitions say anything. */
export async function hasDefinitions(db: Database): Promise<boolean> {
  return (await readRecorded(db)).some(({stream}) => stream === 'qicore')
}

/** What is declared for this database: nothing on a stranger's. */
export async function declaredHere(db: Database, {sections}: Pick<JobContext, 'sections'>): Promise<Declared[]> {
  return declaredPolicies((await hasDefinitions(db)) ? qicore : null, sections)
}

/** Those that a job's options name, or all of them. A name that is not declared is taken as it stands. */
export function chosen<T extends {schema: string; name: string}>(all: readonly T[], names: readonly string[] | undefined, make: (schema: string, name: string) => T): T[] {
  if (names === undefined) return [...all]
  return names.map((text) => {
    const {schema, name} = parseQualifiedName(text)
    const key = formatQualifiedName(schema ?? 'public', name)
    return all.find((one) => formatQualifiedName(one.schema, one.name) === key) ?? make(schema ?? 'public', name)
  })
}
