import type {EngineKind} from '../../engines/index.js'
import type {TableDefinition} from '../definition.js'
import {name} from '../names.js'
import {findExtension, wholeSchema} from './files.js'
import type {Sql} from './table.js'

/** The statements that create tables on an engine, including their schemas. */
export function createTables(tables: readonly TableDefinition[], engine: EngineKind): Sql[] {
  if (tables.length === 0) return []
  const schemas = [...new Set(tables.map(({schema}) => schema))].filter((schema) => schema !== 'public')
  const statements = wholeSchema({tables, aggregates: []}, engine).filter(
    (statement, index, all) =>
      statement !== findExtension ||
      (tables.some(({hypertable}) => hypertable) && all.indexOf(findExtension) === index),
  )
  return [...schemas.map((schema) => `create schema if not exists ${name(schema)}`), ...statements]
}
