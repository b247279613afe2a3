/** Builds the zod schema of a table directly, for tables that are known only at run time. */
import {z} from 'zod'
import * as columns from '../../columns/types.js'
import {passes, rule} from '../../columns/rule.js'
import type {ColumnDefinition, TableDefinition} from '../definition.js'
import {propertyNames} from '../properties.js'
import {columnCall} from './column-type.js'
import {demandOf, evaluate, firstColumn} from './conditions.js'
import {readCheck} from './expression.js'

export type TableSchema = z.ZodObject<Record<string, z.ZodType>>

function columnSchemaOf(column: ColumnDefinition): z.ZodType {
  const {call, args, array, nullable, optional} = columnCall(column)
  const one = (columns[call] as (...args: number[]) => z.ZodType)(...args)
  const whole = array ? columns.list(one) : one
  if (nullable) return whole.nullish()
  return optional ? whole.optional() : whole
}

/** Equivalent to the schema in the generated module. */
export async function tableSchemaOf(table: TableDefinition): Promise<TableSchema> {
  const properties = propertyNames(table.columns.map(({name}) => name))
  const shape = Object.fromEntries(
    table.columns.map((column) => [properties.get(column.name)!, columnSchemaOf(column)]),
  )
  let schema = z.strictObject(shape)
  for (const {name, expression} of table.checks ?? []) {
    for (const condition of (await readCheck(expression, table)) ?? []) {
      if (firstColumn(condition) === null) continue
      const {property, demand} = demandOf(condition, expression, properties)
      schema = schema.refine((row) => passes(evaluate(condition, properties, row)), rule(name, property, demand))
    }
  }
  return schema
}
