import {usageError} from '../errors.js'
import type {ColumnDefinition, TableDefinition} from '../schema/definition.js'
import {columnCall} from '../schema/zod/column-type.js'
import {linesOf} from './bytes.js'
import {csvRecords, type Cell} from './csv-records.js'
import {brokenRow, type FileRow} from './file-row.js'
import {JsonError, parseJsonLine} from './json-line.js'
import type {ValidationError} from './row-rule.js'

type Convert = (text: string) => unknown

/**
 * The rows of a CSV whose header has properties or columns. Cells are converted to the type of their column.
 * @throws OpsError BAD_CSV for a header that does not match the table
 */
export async function* csvRows(
  name: string,
  content: AsyncIterable<Buffer>,
  table: TableDefinition,
  properties: ReadonlyMap<string, string>,
): AsyncGenerator<FileRow[]> {
  let header: Header | null = null
  for await (const records of csvRecords(linesOf(content))) {
    const rows: FileRow[] = []
    for (const {line, cells, problem} of records) {
      if (header === null) {
        if (problem !== null) throw usageError('BAD_CSV', `${name}:${line}: the header ${problem}.`)
        header = headerOf(`${name}:${line}`, cells, table, properties)
      } else rows.push(problem === null ? rowOf(header, cells, line) : brokenRow(line, problem))
    }
    yield rows
  }
}

interface Header {
  /** By position in the header. */
  properties: readonly string[]
  /** Names used in the file, by property. */
  names: ReadonlyMap<string, string>
  converts: readonly Convert[]
}

function headerOf(
  place: string,
  record: readonly Cell[],
  table: TableDefinition,
  properties: ReadonlyMap<string, string>,
): Header {
  const byName = new Map<string, ColumnDefinition>(
    table.columns.flatMap((column) => [
      [column.name, column],
      [properties.get(column.name)!, column],
    ]),
  )
  const names = record.map((cell) => cell ?? '')
  const columns = names.map((name) => byName.get(name))
  const problems = names.flatMap((name, index) => {
    const column = columns[index]
    if (!column)
      return [
        `has ${name === '' ? 'a column without a name' : JSON.stringify(name)}, which is not a column of ${table.name}`,
      ]
    return columns.indexOf(column) < index ? [`has ${column.name} twice`] : []
  })
  const missing = table.columns
    .filter((column) => !columns.includes(column) && !columnCall(column).optional)
    .map(({name}) => name)
  if (missing.length > 0) problems.push(`has no ${missing.join(', ')}`)
  if (problems.length > 0)
    throw usageError('BAD_CSV', `${place}: the header ${problems.slice(0, 10).join('; it ')}.`, [
      `The columns are ${table.columns.map(({name}) => name).join(', ')}.`,
    ])
  const own = columns.map((column) => properties.get(column!.name)!)
  return {
    properties: own,
    names: new Map(own.map((property, index) => [property, names[index]!])),
    converts: columns.map((column) => converterOf(column!)),
  }
}

function rowOf({properties, names, converts}: Header, record: readonly Cell[], line: number): FileRow {
  if (record.length !== converts.length)
    return brokenRow(line, `has ${record.length} cells, and the header ${converts.length}`)
  const row: Record<string, unknown> = {}
  const problems: ValidationError[] = []
  for (let index = 0; index < converts.length; index += 1) {
    const cell = record[index]!
    const property = properties[index]!
    try {
      row[property] = cell === null ? null : converts[index]!(cell)
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      problems.push({path: names.get(property)!, message: `is not JSON: ${error.message} (character ${error.column})`})
    }
  }
  return {line, row, names, problems, broken: false}
}

/** A cell that does not match the type stays text; the column's validator reports it. */
function converterOf(column: ColumnDefinition): Convert {
  const {call, array} = columnCall(column)
  if (array || call === 'json') return parseJsonLine
  switch (call) {
    case 'smallint':
    case 'integer':
    case 'serial':
      return integerOf
    case 'bigint':
      return (text) => (/^-?\d+$/.test(text) && text.length < 30 ? BigInt(text) : text)
    case 'boolean':
      return (text) => booleans.get(text) ?? text
    default:
      return (text) => text
  }
}

/** Integers of up to fifteen digits are exact in a double. */
function integerOf(text: string): number | bigint | string {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  return /^-?\d+$/.test(text) ? BigInt(text) : text
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['t', true],
  ['false', false],
  ['f', false],
])
