import type {SchemaDefinition, TableDefinition} from './definition.js'

/**
 * The definitions as Citus can have them. A distributed table has its distribution column in the primary key, and no
 * triggers: Citus accepts none for each statement. A table with foreign keys has no compression: columnar partitions
 * accept none.
 */
export function distributable(schema: SchemaDefinition): SchemaDefinition {
  return {...schema, tables: schema.tables.map((table) => withoutCompression(withKey(table)))}
}

function withKey(table: TableDefinition): TableDefinition {
  if (table.distribution?.kind !== 'hash') return table
  const {column} = table.distribution
  const primaryKey = table.primaryKey.includes(column) ? table.primaryKey : [...table.primaryKey, column]
  return {...table, primaryKey, triggers: []}
}

function withoutCompression(table: TableDefinition): TableDefinition {
  return (table.foreignKeys ?? []).length > 0 ? {...table, compression: undefined} : table
}
