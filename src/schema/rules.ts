import type {Problem} from './problem.js'
import {approximateSeconds, durationInWords, parseDuration} from '../units/duration.js'
import {bucketColumn, partitionColumns, type AggregateDefinition, type TableDefinition} from './definition.js'
import {aggregateNameProblems, tableNameProblems} from './name-rules.js'
import {readOrdered} from './names.js'
import {readType} from './types.js'

const seconds = (text: string) => approximateSeconds(parseDuration(text))

type ReportProblem = (path: string, message: string) => void

/** The columns of a table, and checks of name lists that refer to them. */
interface ColumnRules {
  known(path: string, wanted: readonly string[]): void
  /** Names with an optional asc or desc. */
  ordered(path: string, wanted: readonly string[]): void
  /** The columns of a key. */
  unique(path: string, of: readonly string[]): void
}

function columnRules(table: TableDefinition, report: ReportProblem): ColumnRules {
  const columns = table.columns.map((column) => column.name)
  const known = (path: string, wanted: readonly string[]) => {
    for (const [index, column] of wanted.entries())
      if (!columns.includes(column)) report(`${path}[${index}]`, `${table.name} has no column "${column}"`)
  }
  return {
    known,
    ordered(path, wanted) {
      for (const [index, text] of wanted.entries())
        if (readOrdered(text, columns) === null)
          report(`${path}[${index}]`, `"${text}" is not a column of ${table.name}, nor one with asc or desc`)
    },
    unique(path, of) {
      known(path, of)
      for (const {index, name} of repeated(of)) report(`${path}[${index}]`, `"${name}" is listed twice`)
      const missing = partitionColumns(table).filter((column) => !of.includes(column))
      if (missing.length > 0)
        report(path, `it must include ${missing.join(' and ')}, which the table is partitioned by`)
    },
  }
}

/** Errors of a table with a valid shape: unknown names, impossible unique constraints, inconsistent durations. */
export function tableProblems(table: TableDefinition, all: readonly TableDefinition[]): Problem[] {
  const problems: Problem[] = []
  const report: ReportProblem = (path, message) => void problems.push({path, message})
  const rules = columnRules(table, report)
  problems.push(...tableNameProblems(table))
  columnProblems(table, rules, report)
  constraintProblems(table, report)
  foreignKeyProblems(table, all, rules, report)
  rowProblems(table, rules, report)
  hypertableProblems(table, rules, report)
  distributionProblems(table, all, rules, report)
  return problems
}

function columnProblems(table: TableDefinition, {unique, ordered}: ColumnRules, report: ReportProblem): void {
  for (const {index, name} of repeated(table.columns.map((column) => column.name)))
    report(`columns[${index}].name`, `there are two columns "${name}"`)
  unique('primaryKey', table.primaryKey)
  for (const [index, {name, nullable}] of table.columns.entries())
    if (nullable && table.primaryKey.includes(name))
      report(`columns[${index}].nullable`, `"${name}" is part of the primary key, so it cannot be nullable`)
  for (const [index, key] of (table.uniques ?? []).entries()) unique(`uniques[${index}].columns`, key.columns)
  for (const [index, key] of (table.indexes ?? []).entries()) ordered(`indexes[${index}].columns`, key.columns)
}

function constraintProblems(table: TableDefinition, report: ReportProblem): void {
  const constraints = [
    `${table.name}_pkey`,
    ...(table.uniques ?? []),
    ...(table.checks ?? []),
    ...(table.foreignKeys ?? []),
  ].map((named) => (typeof named === 'string' ? named : named.name))
  for (const name of new Set(constraints))
    if (constraints.filter((other) => other === name).length > 1)
      report('checks', `there are two constraints "${name}"`)
}

function foreignKeyProblems(
  table: TableDefinition,
  all: readonly TableDefinition[],
  {known}: ColumnRules,
  report: ReportProblem,
): void {
  for (const [index, key] of (table.foreignKeys ?? []).entries()) {
    known(`foreignKeys[${index}].columns`, key.columns)
    const target = all.find(({schema, name}) => schema === key.references.schema && name === key.references.table)
    const of = target?.columns.map((column) => column.name)
    if (of)
      for (const column of key.references.columns)
        if (!of.includes(column))
          report(`foreignKeys[${index}].references.columns`, `${target!.name} has no column "${column}"`)
    if (key.columns.length !== key.references.columns.length)
      report(`foreignKeys[${index}]`, 'it has different numbers of columns on the two sides')
    if (target?.hypertable)
      report(`foreignKeys[${index}].references`, `${target.name} is a hypertable, which a foreign key cannot reference`)
  }
}

function rowProblems({rows}: TableDefinition, {known}: ColumnRules, report: ReportProblem): void {
  if (!rows) return
  known('rows.columns', rows.columns)
  for (const [index, row] of rows.values.entries())
    if (row.length !== rows.columns.length)
      report(`rows.values[${index}]`, `${rows.columns.length} values were expected, not ${row.length}`)
}

function hypertableProblems(table: TableDefinition, {known, ordered}: ColumnRules, report: ReportProblem): void {
  const {hypertable, compression, retention} = table
  if (!hypertable) {
    for (const path of ['compression', 'retention'] as const)
      if (table[path]) report(path, 'only a hypertable can have it')
    return
  }
  known('hypertable.time', [hypertable.time])
  const time = table.columns.find((column) => column.name === hypertable.time)
  const base = time && readType(time.type)?.base
  if (base && !['timestamptz', 'timestamp', 'date'].includes(base))
    report('hypertable.time', `"${hypertable.time}" is ${time.type}: chunks need a date or timestamp column`)
  if (time?.nullable)
    report('hypertable.time', `"${hypertable.time}" is nullable: a row without a time belongs to no chunk`)
  if (hypertable.space) known('hypertable.space.column', [hypertable.space.column])
  if (compression) {
    known('compression.segmentBy', compression.segmentBy)
    ordered('compression.orderBy', compression.orderBy)
    const columns = table.columns.map((column) => column.name)
    const order = compression.orderBy.map((text) => readOrdered(text, columns)?.column)
    if (order[0] !== undefined && order[0] !== hypertable.time)
      report('compression.orderBy[0]', `it must begin with ${hypertable.time}, which queries use to skip whole batches`)
    for (const [index, column] of compression.segmentBy.entries())
      if (order.includes(column)) report(`compression.segmentBy[${index}]`, `"${column}" is in orderBy too`)
  }
  if (retention && seconds(retention.after) < seconds(hypertable.chunkInterval))
    report(
      'retention.after',
      `${words(retention.after)} is shorter than a chunk (${words(hypertable.chunkInterval)}): a chunk is dropped ` +
        'only when all its rows are that old',
    )
  if (retention && compression && seconds(retention.after) <= seconds(compression.after))
    report('compression.after', `rows are dropped after ${words(retention.after)}, before they would be compressed`)
}

function distributionProblems(
  {distribution, uniques = [], ...table}: TableDefinition,
  all: readonly TableDefinition[],
  {known}: ColumnRules,
  report: ReportProblem,
): void {
  if (distribution?.kind !== 'hash') return
  const {column, colocateWith} = distribution
  known('distribution.column', [column])
  for (const [index, {columns}] of uniques.entries())
    if (!columns.includes(column))
      report(`uniques[${index}].columns`, `it must include ${column}, by which Citus distributes the table`)
  if (colocateWith === undefined) return
  const other = all.find(({schema, name}) => schema === colocateWith.schema && name === colocateWith.table)
  const typeOf = ({columns}: Pick<TableDefinition, 'columns'>, name: string) =>
    readType(columns.find((candidate) => candidate.name === name)?.type ?? '')?.base
  if (other?.distribution?.kind !== 'hash')
    report('distribution.colocateWith', `${colocateWith.schema}.${colocateWith.table} is not distributed by a column`)
  else if (typeOf(other, other.distribution.column) !== typeOf(table, column))
    report('distribution.colocateWith', `${other.name} is distributed by a column of another type`)
}

/** The same for an aggregate, whose source must be among the tables. */
export function aggregateProblems(aggregate: AggregateDefinition, tables: readonly TableDefinition[]): Problem[] {
  const problems: Problem[] = []
  const report: ReportProblem = (path, message) => void problems.push({path, message})
  const source = tables.find(({schema, name}) => schema === aggregate.source.schema && name === aggregate.source.table)
  if (source) sourceProblems(aggregate, source, report)
  else report('source', `there is no table ${aggregate.source.schema}.${aggregate.source.table} among the definitions`)
  for (const [index, column] of aggregate.columns.entries())
    if (column.of === undefined && column.function !== 'count')
      report(`columns[${index}].of`, `${column.function} needs a column`)
  const names = [...aggregate.groupBy, bucketColumn, ...aggregate.columns.map((column) => column.name)]
  for (const {name} of repeated(names)) report('columns', `there are two columns "${name}"`)
  problems.push(...aggregateNameProblems(aggregate))
  refreshProblems(aggregate, source, report)
  return problems
}

function sourceProblems(aggregate: AggregateDefinition, source: TableDefinition, report: ReportProblem): void {
  const columns = source.columns.map((column) => column.name)
  const known = (path: string, column: string) => {
    if (!columns.includes(column)) report(path, `${source.name} has no column "${column}"`)
  }
  if (source.hypertable?.time !== aggregate.time)
    report('time', `${source.name} is not partitioned by "${aggregate.time}"`)
  const time = source.columns.find((column) => column.name === aggregate.time)
  if (time && readType(time.type)?.base !== 'timestamptz')
    report('time', `buckets need a timestamptz, but "${aggregate.time}" is ${time.type}`)
  for (const [index, column] of aggregate.groupBy.entries()) known(`groupBy[${index}]`, column)
  for (const [index, {of}] of aggregate.columns.entries()) if (of !== undefined) known(`columns[${index}].of`, of)
}

function refreshProblems(
  aggregate: AggregateDefinition,
  source: TableDefinition | undefined,
  report: ReportProblem,
): void {
  const {months, days, seconds: rest} = parseDuration(aggregate.bucket)
  if (months > 1 || (months > 0 && days + rest > 0))
    report('bucket', 'a bucket must be one month, or a number of days or smaller units')
  const {startOffset, endOffset} = aggregate.refresh
  if (seconds(startOffset) - seconds(endOffset) < 2 * seconds(aggregate.bucket))
    report(
      'refresh.startOffset',
      `from ${words(startOffset)} to ${words(endOffset)} ago is less than two buckets of ${words(aggregate.bucket)}`,
    )
  if (
    source?.retention &&
    seconds(startOffset) + seconds(source.hypertable!.chunkInterval) > seconds(source.retention.after)
  )
    report(
      'refresh.startOffset',
      `it starts before the retention cutoff of ${source.name}: refreshing dropped ranges would erase history`,
    )
}

function repeated(names: readonly string[]): {index: number; name: string}[] {
  return names.map((name, index) => ({index, name})).filter(({name, index}) => names.indexOf(name) < index)
}

function words(text: string): string {
  return durationInWords(parseDuration(text))
}
