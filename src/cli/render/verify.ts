import type {SchemaDifference} from '../../schema/verify.js'
import {closing, renderTable, type Column, type TableStyle} from './table.js'
import {plural} from './words.js'
import {command} from '../../units/command.js'

/** Every difference, then the statements that mend what can be mended. */
export function renderVerify(differences: readonly SchemaDifference[], relations: number, style: TableStyle): string {
  if (differences.length === 0)
    return `${plural(relations, 'table and aggregate', 'tables and aggregates')} as defined.`
  const columns: Column<SchemaDifference>[] = [
    {head: 'OBJECT', cell: ({object}) => object, shrink: 16},
    {head: 'PATH', cell: ({path}) => path || 'all of it', shrink: 16},
    {head: 'EXPECTED', cell: (row) => sides(row)[0], shrink: 10},
    {head: 'ACTUAL', cell: (row) => sides(row)[1], shrink: 10},
  ]
  const mends = differences.flatMap(({mend}) => mend ?? [])
  const rest = differences.length - mends.length
  const absent = differences.some(({path, actual, mend}) => path === '' && actual === null && mend === null)
  return [
    renderTable(columns, differences, {style, mark: () => true}),
    ...(mends.length > 0 ? ['To mend:', ...mends.map((mend) => `${mend};`)] : []),
    closing(
      [
        `${plural(differences.length, 'difference')} in ${plural(relations, 'table and aggregate', 'tables and aggregates')}${rest > 0 ? `, ${rest} to be looked at by hand` : ''}.`,
        ...(absent ? [`Is a migration pending? ${command('migrate status')}`] : []),
      ],
      style.width,
    ),
  ].join('\n')
}

interface Shown {
  kind?: string
  columns?: object
  type?: string
  nullable?: boolean
  default?: string | null
}

/** Of two long texts only what differs: an index that is INVALID is otherwise word for word the same. */
function sides({expected, actual}: SchemaDifference): [string, string] {
  const [a, b] = [short(expected), short(actual)]
  let same = ''
  for (const word of b.split(/(?<= )/)) {
    if (!a.startsWith(same + word)) break
    same += word
  }
  if (a.length > 20 && b.startsWith(`${a} `)) return ['as defined', `… ${b.slice(a.length + 1)}`]
  return same.length > 20 ? [`… ${a.slice(same.length)}`, `… ${b.slice(same.length)}`] : [a, b]
}

/** One line of whatever it is. */
function short(value: unknown): string {
  if (value === null) return '-'
  const text = typeof value === 'string' ? value : typeof value === 'object' ? named(value) : String(value)
  return text.replace(/\s+/g, ' ').trim()
}

/** A whole relation by its kind, a whole column as SQL writes it. */
function named(value: Shown): string {
  if (value.kind !== undefined && value.columns !== undefined) return value.kind
  if (value.type === undefined || value.nullable === undefined) return JSON.stringify(value)
  return `${value.type}${value.nullable ? '' : ' not null'}${value.default == null ? '' : ` default ${value.default}`}`
}
