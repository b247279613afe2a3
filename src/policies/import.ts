import type {Database} from '../db/database.js'
import {resolveTable} from '../catalog/resolve-table.js'
import {declaredName as declaredKey, type Declared, type PolicyKind} from './declared.js'
import {timeUnitsOf} from './read-declared.js'
import {readPolicyState} from './read-state.js'
import {rulesOf, type LiveRule, type TableState} from './table-state.js'
import type {Offset} from '../catalog/live-policies.js'
import {readSnapshot} from '../catalog/snapshot.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {fromMicros, toMicros} from '../catalog/time.js'
import {durationInWords, parseDuration, type Duration} from '../units/duration.js'
import {OpsError} from '../errors.js'
import {diff} from './diff.js'
import {sameDuration} from './offsets.js'
import {desiredStateOf} from './desired.js'

/** A value of a configuration: text, lists and one level of fields. */
export type ConfigValue = string | boolean | readonly string[] | {[field: string]: ConfigValue}

/** One entry of the section `tables` or `aggregates`. */
export interface ImportedEntry {
  section: 'tables' | 'aggregates'
  key: string
  fields: Record<string, ConfigValue>
  /** Fields that the configuration does not say, or says otherwise. */
  differs: string[]
}

export interface Imported {
  entries: ImportedEntry[]
  /** What is live and cannot be written in a configuration. */
  notes: string[]
}

export interface ImportRequest {
  declared: readonly Declared[]
  maxDropPerRun: number
  /** Only this one. */
  table?: string | undefined
}

/** What is live in a database, as a configuration says it: every table that has a policy, or the one that was named. */
export async function readImport(db: Database, {declared, maxDropPerRun, table}: ImportRequest): Promise<Imported> {
  const snapshot = await readSnapshot(db, {lateAfter: 0, timeUnits: timeUnitsOf(declared)})
  const {states} = await readPolicyState(db, snapshot)
  const only = table === undefined ? null : await resolveTable(db, snapshot.all, table)
  const notes: string[] = []
  const entries = [...states].flatMap(([each, state]) => {
    if (only === null ? state.policies.length === 0 : each !== only) return []
    const fields = fieldsOf(each, state, notes)
    const said = declared.find((candidate) => declaredKey(candidate) === qualifiedName(each))
    const section = each.kind === 'aggregate' ? ('aggregates' as const) : ('tables' as const)
    return [
      {
        section,
        key: qualifiedName(each),
        fields,
        differs: Object.keys(fields).filter((field) => differs(field, said, state, db, maxDropPerRun)),
      },
    ]
  })
  return {entries: entries.sort((a, b) => (a.key < b.key ? -1 : 1)), notes}
}

function fieldsOf(table: Table, state: TableState, notes: string[]): Record<string, ConfigValue> {
  const fields: Record<string, ConfigValue> = {}
  const cannot = (kind: PolicyKind, why: string) =>
    void notes.push(`${state.key} ${kind}: ${why}, which a configuration cannot say; it stays as it is.`)
  const single = (kind: PolicyKind): LiveRule | null => {
    const rules = rulesOf(state, kind)
    if (rules.length > 1) cannot(kind, `there are ${rules.length} policies`)
    return rules.length === 1 ? rules[0]! : null
  }
  if (table.kind === 'hypertable' && state.scale !== 'time' && state.scale !== 'unknown') fields.timeUnit = state.scale
  if (table.kind === 'hypertable' && state.chunkInterval !== null && state.scale !== 'unknown') {
    const length = words(state.chunkInterval, state)
    if (length !== null) fields.chunkInterval = length
    else
      notes.push(
        `${state.key} chunk interval: ${state.chunkInterval} ${state.scale === 'time' ? 'microseconds' : state.scale} cannot be written in a configuration; it stays as it is.`,
      )
  }
  const compression = single('compression')
  if (compression !== null) {
    const after = said(compression.after, state)
    if (after === null) cannot('compression', ageReason(compression))
    else {
      const {segmentBy = null, orderBy = null} = state.compression ?? {}
      fields.compression = {
        after,
        ...(segmentBy === null || segmentBy.length === 0 ? {} : {segmentBy}),
        ...(orderBy === null || orderBy.length === 0 ? {} : {orderBy}),
      }
    }
  }
  const retention = single('retention')
  if (retention !== null) {
    const after = said(retention.after, state)
    if (after === null) cannot('retention', ageReason(retention))
    else fields.retention = {after, ...(retention.by === 'timescaledb' ? {native: true} : {})}
  }
  const refresh = single('refresh')
  if (refresh !== null) {
    const open = refresh.startOffset === null || refresh.endOffset === null || refresh.schedule === null
    const [startOffset, endOffset, every] = [
      said(refresh.startOffset, state),
      said(refresh.endOffset, state),
      said(refresh.schedule, state),
    ]
    if (startOffset === null || endOffset === null || every === null)
      cannot('refresh', open ? 'its window is open on a side' : 'one of its durations cannot be written')
    else fields.refresh = {startOffset, endOffset, every}
  }
  return fields
}

function ageReason({after, createdBefore}: LiveRule): string {
  if (after === null) return createdBefore === null ? 'its age cannot be read' : 'it goes by when a chunk was created'
  return typeof after === 'bigint'
    ? `its age is ${after} in integers of an unknown unit`
    : `its age is ${durationInWords(after)}`
}

/** An offset as a configuration writes it; null where a configuration cannot. */
function said(offset: Offset | null, state: TableState): string | null {
  if (offset === null) return null
  if (typeof offset !== 'bigint') return configurable(offset)
  return state.scale === 'unknown' ? null : words(offset, state)
}

function words(length: bigint, {scale}: TableState): string | null {
  const micros = scale === 'time' || scale === 'unknown' ? length : toMicros(length, scale)
  const days = micros / 86_400_000_000n
  const exact =
    scale === 'ns' && fromMicros(micros, scale) !== length
      ? null
      : {months: 0, days: Number(days), seconds: Number(micros - days * 86_400_000_000n) / 1e6}
  return exact === null ? null : configurable(exact)
}

/** The words of a duration, if the configuration's own reader makes the same duration of them; else null. */
export function configurable(duration: Duration): string | null {
  const text = durationInWords(duration)
  try {
    const read = parseDuration(text)
    return sameDuration(read, duration) ? text : null
  } catch (error) {
    if (error instanceof OpsError) return null
    throw error
  }
}

/** Whether a field is not declared as it stands. */
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
