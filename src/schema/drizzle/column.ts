import type {ColumnDefinition} from '../definition.js'
import {quoted} from '../properties.js'
import {isSerial, readType, type BaseType, type ColumnType} from '../types.js'

/** The builder of drizzle-orm/pg-core for each type. */
const builders: Record<BaseType, string> = {
  smallserial: 'smallserial',
  serial: 'serial',
  bigserial: 'bigserial',
  smallint: 'smallint',
  integer: 'integer',
  bigint: 'bigint',
  numeric: 'numeric',
  real: 'real',
  'double precision': 'doublePrecision',
  boolean: 'boolean',
  text: 'text',
  varchar: 'varchar',
  char: 'char',
  uuid: 'uuid',
  bytea: 'bytea',
  json: 'json',
  jsonb: 'jsonb',
  inet: 'inet',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamp',
  interval: 'interval',
}

/** Every name that a module may import or define. */
export const builderNames: readonly string[] = [...new Set(Object.values(builders))]

export function builderOf(column: Pick<ColumnDefinition, 'type'>): string {
  return builders[readType(column.type)!.base]
}

/** The Drizzle code of a column, including its default. */
export function columnCode(column: ColumnDefinition): string {
  const type = readType(column.type)!
  const options = optionsOf(type)
  const made = `${builders[type.base]}(${quoted(column.name)}${options === '' ? '' : `, ${options}`})`
  const serial = isSerial(type.base)
  return `${made}${type.array ? '.array()' : ''}${column.nullable || serial ? '' : '.notNull()'}${defaultOf(column, type)}`
}

function optionsOf({base, args}: ColumnType): string {
  switch (base) {
    case 'bigserial':
      return "{mode: 'number'}"
    case 'bigint':
      return "{mode: 'bigint'}"
    case 'varchar':
    case 'char':
      return args.length === 0 ? '' : `{length: ${args[0]}}`
    case 'numeric':
      return args.length === 0 ? '' : `{precision: ${args[0]}${args.length > 1 ? `, scale: ${args[1]}` : ''}}`
    case 'timestamp':
    case 'timestamptz':
      // As text: a Date would drop the microseconds, and the row could not be found by its key.
      return `{${[...(args.length > 0 ? [`precision: ${args[0]}`] : []), ...(base === 'timestamptz' ? ['withTimezone: true'] : []), "mode: 'string'"].join(', ')}}`
    default:
      return ''
  }
}

function defaultOf({default: value}: ColumnDefinition, {base, array}: ColumnType): string {
  if (value === undefined) return ''
  const bare = value.trim().toLowerCase()
  if (!array && base === 'boolean' && (bare === 'true' || bare === 'false')) return `.default(${bare})`
  if (!array && bare === 'now()' && ['timestamp', 'timestamptz', 'date'].includes(base)) return '.defaultNow()'
  return `.default(${sqlText(value)})`
}

/** An SQL expression as a literal of the `sql` tag. */
export function sqlText(expression: string): string {
  return `sql\`${expression.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``
}
