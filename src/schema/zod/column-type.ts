import type * as columns from '../../columns/types.js'
import type {ColumnDefinition} from '../definition.js'
import {isSerial, readType, type BaseType} from '../types.js'

/** The function of columns/ for a column, and its arguments. */
export interface ColumnCall {
  call: Exclude<keyof typeof columns, 'show' | 'list' | 'Column' | 'JsonValue'>
  args: readonly number[]
  array: boolean
  /** NULL is accepted. */
  nullable: boolean
  /** It may be omitted, because the database has a default. */
  optional: boolean
}

const calls: Record<BaseType, ColumnCall['call']> = {
  smallserial: 'smallint',
  serial: 'integer',
  bigserial: 'serial',
  smallint: 'smallint',
  integer: 'integer',
  bigint: 'bigint',
  numeric: 'numeric',
  real: 'float',
  'double precision': 'float',
  boolean: 'boolean',
  text: 'text',
  varchar: 'varchar',
  char: 'char',
  uuid: 'uuid',
  bytea: 'bytea',
  json: 'json',
  jsonb: 'json',
  inet: 'inet',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  interval: 'interval',
}

/** char without a length is one character; the precision of a time is not checked. */
function argumentsOf(base: BaseType, args: readonly number[]): readonly number[] {
  if (base === 'timestamp' || base === 'timestamptz') return []
  return base === 'char' && args.length === 0 ? [1] : args
}

export function columnCall(column: ColumnDefinition): ColumnCall {
  const {base, args, array} = readType(column.type)!
  return {
    call: calls[base],
    args: argumentsOf(base, args),
    array,
    nullable: column.nullable ?? false,
    optional: (column.nullable ?? false) || column.default !== undefined || isSerial(base),
  }
}
