import {parseQualifiedName} from '../db/qualified-name.js'
import {formatDuration, type Duration} from '../units/duration.js'
import {problemsOf, tableSchema} from './check.js'
import type {
  CheckDefinition,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  PartitionPeriod,
  SchemaDefinition,
  TableDefinition,
  UniqueDefinition,
} from './definition.js'
import {qicore} from './built-in.js'
import type {Problem} from './problem.js'

/** A table of a configuration; without columns it only has policies. */
export interface TableEntry {
  doc?: string | undefined
  columns?: readonly ColumnDefinition[] | undefined
  primaryKey?: readonly string[] | undefined
  uniques?: readonly UniqueDefinition[] | undefined
  checks?: readonly CheckDefinition[] | undefined
  indexes?: readonly IndexDefinition[] | undefined
  foreignKeys?: readonly ForeignKeyDefinition[] | undefined
  hypertable?: {time: string; space?: {column: string; partitions: number} | undefined} | undefined
  chunkInterval?: Duration | undefined
  partitions?: 'none' | {every?: PartitionPeriod | undefined; ahead?: number | undefined} | undefined
  compression?:
    | 'none'
    | {after: Duration; segmentBy?: readonly string[] | undefined; orderBy?: readonly string[] | undefined}
    | undefined
  retention?: 'none' | {after: Duration} | undefined
}

type Entries = Readonly<Record<string, TableEntry>>

/** Fields that describe the table itself, as opposed to its policies. */
const describing = ['primaryKey', 'uniques', 'checks', 'indexes', 'foreignKeys', 'hypertable', 'doc'] as const

const defaultChunk = '7 days'

/** The tables that a configuration describes, as definitions; the configuration was validated when it was read. */
export function userTables(entries: Entries): SchemaDefinition {
  return {tables: described(entries).map(({table}) => table), aggregates: []}
}

/** QiCore's definitions, followed by those of a configuration. */
export function allDefinitions(entries: Entries | null): SchemaDefinition {
  return entries === null ? qicore : {...qicore, tables: [...qicore.tables, ...userTables(entries).tables]}
}

function described(entries: Entries): {key: string; table: TableDefinition}[] {
  return Object.entries(entries).flatMap(([key, entry]) => {
    if (entry?.columns === undefined) return []
    try {
      return [{key, table: tableOf(key, entry)}]
    } catch {
      // An unreadable name or duration is reported elsewhere.
      return []
    }
  })
}

function tableOf(key: string, entry: TableEntry): TableDefinition {
  const {schema, name} = parseQualifiedName(key)
  const {columns = [], hypertable, partitions, compression, retention} = entry
  const has = (column: string) => columns.some((candidate) => candidate.name === column)
  const {every = 'month', ahead = 3} = partitions === 'none' || partitions === undefined ? {} : partitions
  return {
    schema: schema ?? 'public',
    name,
    doc: entry.doc ?? name,
    columns,
    primaryKey: entry.primaryKey ?? [],
    uniques: entry.uniques,
    checks: entry.checks,
    indexes: entry.indexes,
    foreignKeys: entry.foreignKeys,
    hypertable: hypertable && {
      time: hypertable.time,
      space: hypertable.space,
      chunkInterval: entry.chunkInterval === undefined ? defaultChunk : text(entry.chunkInterval),
      partitions: {period: every, ahead},
    },
    compression:
      hypertable && compression !== undefined && compression !== 'none'
        ? {
            after: text(compression.after),
            segmentBy: compression.segmentBy ?? [],
            orderBy: compression.orderBy ?? [`${hypertable.time} desc`, ...(has('id') ? ['id desc'] : [])],
          }
        : undefined,
    retention:
      hypertable && retention !== undefined && retention !== 'none' ? {after: text(retention.after)} : undefined,
  }
}

/** @throws TypeError if the file has another type there, which is reported when the file is read */
function text(duration: Duration): string {
  if (typeof duration?.months !== 'number') throw new TypeError('no duration')
  return formatDuration(duration)
}

/** Every error in the tables of a configuration; paths start below `tables`. */
export function userTableProblems(entries: Entries): (Problem & {at: string[]})[] {
  const problems: (Problem & {at: string[]})[] = []
  const tables = described(entries)
  const known = tables.map(({table}) => table)
  const before = qicore.tables.length
  for (const [key, entry] of Object.entries(entries)) {
    if (entry === null || typeof entry !== 'object') continue
    if (entry.columns !== undefined) {
      if (entry.primaryKey === undefined)
        problems.push({at: [key], path: 'primaryKey', message: 'it has columns, but no primaryKey'})
      for (const field of ['chunkInterval', 'partitions', 'compression', 'retention'] as const)
        if (entry.hypertable === undefined && entry[field] !== undefined && entry[field] !== 'none')
          problems.push({at: [key, field], path: field, message: 'only a table with a hypertable section can have it'})
      continue
    }
    for (const field of describing)
      if (entry[field] !== undefined)
        problems.push({
          at: [key, field],
          path: field,
          message: 'it describes a table, but the table has no columns',
        })
  }
  for (const {path, message} of problemsOf({tables: [...qicore.tables, ...known], aggregates: []})) {
    const [, index, rest = ''] = /^tables\[(\d+)\]\.?(.*)$/s.exec(path) ?? []
    const own = index === undefined ? undefined : tables[Number(index) - before]
    // A part of the wrong shape is reported when the file is read, with its line.
    if (own === undefined || !tableSchema.safeParse(own.table).success) continue
    problems.push({at: [own.key, ...configPath(rest)], path: rest, message})
  }
  return problems
}

/** Fields whose path in a configuration differs from that in a definition. */
function configPath(path: string): string[] {
  if (path === 'name' || path === 'schema') return []
  const moved = path
    .replace(/^hypertable\.chunkInterval/, 'chunkInterval')
    .replace(/^hypertable\.partitions/, 'partitions')
  return moved
    .split(/\.|(?=\[)/)
    .map((part) => part.replace(/^\[(\d+)\]$/, '$1'))
    .filter((part) => part !== '')
}
