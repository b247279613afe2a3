import type {ReportTable} from '../units/report-table.js'
import type {ReportedDifference} from './verify.js'

export const differencesTable: ReportTable<ReportedDifference> = {
  columns: [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {id: 'table', heading: 'TABLE', type: 'name', show: 'data', value: (row) => row.table},
    {id: 'object', heading: 'OBJECT', type: 'name', value: (row) => row.object, shrink: 16},
    {
      id: 'path',
      heading: 'PATH',
      type: 'name',
      value: (row) => row.path,
      text: ({path}) => path || 'the whole object',
      shrink: 16,
    },
    {
      id: 'expected',
      heading: 'EXPECTED',
      type: 'text',
      value: (row) => machineText(row.expected),
      text: (row) => sides(row)[0],
      shrink: 10,
    },
    {
      id: 'actual',
      heading: 'ACTUAL',
      type: 'text',
      value: (row) => machineText(row.actual),
      text: (row) => sides(row)[1],
      shrink: 10,
    },
    {id: 'fix', heading: 'FIX', type: 'text', show: 'data', value: (row) => row.fix},
  ],
  marked: () => true,
}

/** Text unchanged, other values as JSON. */
function machineText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

interface Definition {
  kind?: string
  columns?: object
  type?: string
  nullable?: boolean
  default?: string | null
}

/** The differing part of two long texts: an INVALID index, for example, has the same definition otherwise. */
function sides({expected, actual}: ReportedDifference): [string, string] {
  const [a, b] = [short(expected), short(actual)]
  let same = ''
  for (const word of b.split(/(?<= )/)) {
    if (!a.startsWith(same + word)) break
    same += word
  }
  if (a.length > 20 && b.startsWith(`${a} `)) return ['as defined', `… ${b.slice(a.length + 1)}`]
  return same.length > 20 ? [`… ${a.slice(same.length)}`, `… ${b.slice(same.length)}`] : [a, b]
}

/** Any value on one line. */
function short(value: unknown): string {
  if (value === null) return '-'
  const text = typeof value === 'object' ? named(value) : String(value)
  return text.replace(/\s+/g, ' ').trim()
}

/** A whole relation as its kind, a whole column as SQL. */
function named(value: Definition): string {
  if (value.kind !== undefined && value.columns !== undefined) return value.kind
  if (value.type === undefined || value.nullable === undefined) return JSON.stringify(value)
  return `${value.type}${value.nullable ? '' : ' not null'}${value.default == null ? '' : ` default ${value.default}`}`
}
