import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {usageError} from '../errors.js'
import type {SchemaDefinition, TableDefinition} from '../schema/definition.js'
import {known} from './validation.js'
import {validatedOf} from '../validation/of-table.js'
import type {Validated} from '../validation/validator.js'

/**
 * The validator of a type: one of the four with rules of their own, or any table that has a definition.
 * @throws OpsError NO_SUCH_TYPE
 */
export async function validatedType(
  type: string,
  {tables}: SchemaDefinition,
): Promise<{validated: Validated<unknown>; definition: TableDefinition}> {
  const named = Object.hasOwn(known, type) ? known[type as keyof typeof known] : null
  const wanted = named === null ? parseQualifiedName(type) : {schema: 'public', name: named.table}
  const matches = tables.filter(
    ({schema, name}) => name === wanted.name && (wanted.schema === null || wanted.schema === schema),
  )
  const [definition, other] = matches
  if (definition === undefined)
    throw usageError('NO_SUCH_TYPE', `There is no type or table "${type}".`, [
      `Types: ${Object.keys(known).join(', ')}.`,
      `Tables: ${tables.map(({schema, name}) => formatQualifiedName(schema, name)).join(', ')}.`,
    ])
  if (other !== undefined)
    throw usageError(
      'AMBIGUOUS',
      `"${type}" is ${matches.map(({schema, name}) => formatQualifiedName(schema, name)).join(' and ')}.`,
      ['Name the schema too.'],
    )
  const own = Object.values(known).find(({table}) => table === definition.name && definition.schema === 'public')
  return {validated: (own as Validated<unknown> | undefined) ?? (await validatedOf(definition)), definition}
}
