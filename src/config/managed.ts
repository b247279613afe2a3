import type {Database} from '../db/database.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {qicore} from '../schema/built-in.js'
import {definitionsApply} from '../catalog/definitions-apply.js'
import type {TimeUnit} from '../catalog/time.js'

/** The sections of a configuration that statistics need. */
export interface ManagedSections {
  tables: Readonly<Record<string, {timeUnit?: TimeUnit | undefined}>>
  aggregates: Readonly<Record<string, object>>
}

/**
 * The managed tables as schema.table: those of the configuration, and those of the definitions if QiCore's migrations
 * are recorded. All others are shown and never changed.
 */
export async function readManaged(db: Database, sections: ManagedSections | null): Promise<Set<string>> {
  const managed = new Set<string>()
  if (await definitionsApply(db)) {
    for (const {schema, name, hypertable} of qicore.tables)
      if (hypertable) managed.add(formatQualifiedName(schema, name))
    for (const {schema, name} of qicore.aggregates) managed.add(formatQualifiedName(schema, name))
  }
  for (const name of Object.keys({...sections?.tables, ...sections?.aggregates})) managed.add(normal(name))
  return managed
}

/** The declared units of tables on integer time, by schema.table. */
export function declaredUnits(sections: ManagedSections | null): Map<string, TimeUnit> {
  const declared = Object.entries(sections?.tables ?? {})
  return new Map(
    declared.flatMap(([name, {timeUnit}]) => (timeUnit === undefined ? [] : [[normal(name), timeUnit] as const])),
  )
}

/** Normalises a name, which a configuration writes as SQL does. */
function normal(text: string): string {
  const {schema, name} = parseQualifiedName(text)
  return formatQualifiedName(schema ?? 'public', name)
}
