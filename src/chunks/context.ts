import type {Database} from '../db/database.js'
import {readChunks} from '../catalog/read-tables.js'
import type {TableClock} from '../catalog/table-clock.js'
import type {LivePolicy, RowOrder} from '../catalog/live-policies.js'
import type {Declared, PolicySections} from '../policies/declared/declared.js'
import {readDeclared, timeUnitsOf} from '../policies/declared/read-declared.js'
import {readSnapshot} from '../catalog/snapshot.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import type {Instant} from '../units/instant.js'
import type {ExportSettings} from '../export/settings.js'
import {exportOf} from '../policies/retention-export.js'
import {readConfig} from '../policies/table-state.js'
import {dependents} from '../aggregates/coverage.js'

/** What every command that changes one table reads first. */
export interface Context {
  at: Instant
  table: Table
  /** Every table of the database; this table, its source and its aggregates with their chunks. */
  tables: Table[]
  clock: TableClock
  /** Policies of this table. */
  policies: LivePolicy[]
  declared: Declared | null
}

/** @throws OpsError BAD_NAME, NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS, CONFIG */
export async function readContext(db: Database, name: string, sections: PolicySections | null): Promise<Context> {
  const declared = await readDeclared(db, sections)
  const {at, tables, all, policies, clocks} = await readSnapshot(db, {
    table: name,
    lateAfter: 0,
    timeUnits: timeUnitsOf(declared),
  })
  const table = tables[0]!
  const source = table.aggregate?.source ?? null
  const near = [
    ...dependents(all, table).map(({aggregate}) => aggregate),
    ...(source === null || source.kind === 'partitioned' ? [] : [source]),
  ]
  await readChunks(
    db,
    near.filter((each) => each !== table),
  )
  const declaration = declared.find((each) => each.schema === table.schema && each.name === table.name) ?? null
  return {
    at,
    table,
    tables: all,
    clock: clocks.get(table)!,
    policies: policies.filter((policy) => qualifiedName(policy.table) === qualifiedName(table)),
    declared: declaration,
  }
}

/** Where the retention of the table exports chunks before it drops them, by the live policy or the declared one. */
export function policyExport({policies, declared}: Pick<Context, 'policies' | 'declared'>): ExportSettings | null {
  const row = policies.find(({kind, job}) => kind === 'retention' && job === null)
  const live = row === undefined ? null : exportOf(readConfig(row.config))
  const rule = declared?.retention
  return live ?? (rule === undefined || rule === 'none' ? null : (rule.exportTo ?? null))
}

/** The declared order of rows in compressed chunks; null if no compression is declared. */
export function declaredRowOrder(declared: Declared | null): RowOrder | null {
  const rule = declared?.compression
  return rule === undefined || rule === 'none' ? null : {segmentBy: rule.segmentBy, orderBy: rule.orderBy}
}

/** Whether the declared compression has `allowUpdates`. */
export function declaredAllowUpdates(declared: Declared | null): boolean {
  const rule = declared?.compression
  return rule !== undefined && rule !== 'none' && rule.allowUpdates === true
}

/** The declared age of a rule; null if none is declared, or if it is that of a detach. */
export function declaredAge(declared: Declared | null, kind: 'compression' | 'retention') {
  const rule = declared?.[kind]
  if (rule === undefined || rule === 'none') return null
  return 'stages' in rule && rule.stages ? null : rule.after
}
