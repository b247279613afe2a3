import type {Database} from '../../db/database.js'
import {resolveTable} from '../../catalog/resolve-table.js'
import {declaredName, type Declared} from './declared.js'
import {timeUnitsOf} from './read-declared.js'
import {readPolicyState} from '../read-state.js'
import {policyKinds} from '../kinds/index.js'
import type {ConfigValue} from '../kinds/kind.js'
import {lengthInConfig} from '../kinds/rules.js'
import {rulesOf, type TableState} from '../table-state.js'
import {readSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {command} from '../../units/command.js'
import {diff} from '../plan/diff.js'
import {desiredStateOf} from '../plan/desired.js'

/** One entry of the section `tables` or `aggregates`. */
export interface ImportedEntry {
  section: 'tables' | 'aggregates'
  key: string
  fields: Record<string, ConfigValue>
  /** Fields that the configuration does not have, or has with another value. */
  differs: string[]
}

export interface Imported {
  entries: ImportedEntry[]
  /** Notes about live policies that a configuration cannot express. */
  notes: string[]
}

export interface ImportRequest {
  declared: readonly Declared[]
  maxDropPerRun: number
  /** Only this table. */
  table?: string | undefined
}

/** The live policies as entries of a configuration: of every table that has a policy, or of the named one. */
export async function readImport(db: Database, {declared, maxDropPerRun, table}: ImportRequest): Promise<Imported> {
  const snapshot = await readSnapshot(db, {lateAfter: 0, timeUnits: timeUnitsOf(declared)})
  const {states} = await readPolicyState(db, snapshot)
  const only = table === undefined ? null : await resolveTable(db, snapshot.all, table)
  const notes: string[] = []
  const declarationOf = (each: Table) => declared.find((candidate) => declaredName(candidate) === qualifiedName(each))
  for (const [each, state] of states)
    if (only === null || each === only) notes.push(...notLive(declarationOf(each), state, db, maxDropPerRun))
  const entries = [...states].flatMap(([each, state]) => {
    if (only === null ? state.policies.length === 0 : each !== only) return []
    const fields = fieldsOf(each, state, notes)
    const given = declarationOf(each)
    const section = each.kind === 'aggregate' ? ('aggregates' as const) : ('tables' as const)
    return [
      {
        section,
        key: qualifiedName(each),
        fields,
        differs: Object.keys(fields).filter((field) => differs(field, given, state, db, maxDropPerRun)),
      },
    ]
  })
  return {entries: entries.sort((a, b) => (a.key < b.key ? -1 : 1)), notes}
}

function fieldsOf(table: Table, state: TableState, notes: string[]): Record<string, ConfigValue> {
  const fields: Record<string, ConfigValue> = {}
  const cannot = (what: string, why: string) =>
    void notes.push(`${state.key} ${what}: ${why}, which a configuration cannot express; it is not changed.`)
  if (table.kind === 'hypertable' && state.scale !== 'time' && state.scale !== 'unknown') fields.timeUnit = state.scale
  if (table.kind === 'hypertable' && state.chunkInterval !== null && state.scale !== 'unknown') {
    const length = lengthInConfig(state.chunkInterval, state)
    const unit = state.scale === 'time' ? 'microseconds' : state.scale
    if (length === null) cannot('chunk interval', `it is ${state.chunkInterval} ${unit}`)
    else fields.chunkInterval = length
  }
  for (const kind of policyKinds) {
    const [rule, ...more] = rulesOf(state, kind.name)
    if (rule === undefined) continue
    const read = more.length > 0 ? {cannot: `there are ${more.length + 1} policies`} : kind.toConfig(rule, state)
    if ('cannot' in read) cannot(kind.name, read.cannot)
    else fields[kind.name] = read.value
  }
  return fields
}

/** Policies that are declared but not live: an import leaves them in the configuration. */
function notLive(declared: Declared | undefined, state: TableState, db: Database, maxDropPerRun: number): string[] {
  return policyKinds
    .filter(({name}) => declared?.[name] !== undefined && rulesOf(state, name).length === 0)
    .filter(({name}) => differs(name, declared, state, db, maxDropPerRun))
    .map(
      ({name}) =>
        `${state.key} ${name}: declared, but not live, and it stays declared. To keep it removed, declare it as ` +
        `none. To create it: ${command('policies apply')}`,
    )
}

/** Whether a field is declared differently from the live value, or not at all. */
function differs(
  field: string,
  declared: Declared | undefined,
  state: TableState,
  db: Database,
  maxDropPerRun: number,
): boolean {
  const value = declared?.[field as keyof Declared]
  if (declared === undefined || value === undefined) return true
  if (field === 'timeUnit') return value !== state.scale
  const only: Declared = {
    schema: declared.schema,
    name: declared.name,
    from: declared.from,
    section: declared.section,
    timeUnit: declared.timeUnit,
    [field]: value,
  }
  const quiet = {
    ...state,
    policies: state.policies.map((rule) => ({...rule, job: rule.job && {...rule.job, scheduled: true}})),
  }
  return diff(desiredStateOf(only, quiet, []), {engine: db.server.engine, maxDropPerRun}, []).length > 0
}
