import type {TableDefinition} from '../schema/definition.js'
import {propertyNames} from '../schema/properties.js'
import {tableSchemaOf} from '../schema/zod/table-schema.js'
import type {Validated} from './validator.js'

/** The validator of any table that has a definition. */
export async function validatedOf(table: TableDefinition): Promise<Validated<unknown>> {
  return {
    table: table.name,
    schema: await tableSchemaOf(table),
    rules: [],
    properties: propertyNames(table.columns.map(({name}) => name)),
  }
}
