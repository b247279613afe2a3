import {ident, raw, sql, type Statement} from '../db/sql.js'
import type {IndexFacts} from './inventory.js'

/** `constraint ticks_pkey PRIMARY KEY (…) …`, with the storage options of its index. */
export function constraintClause({constraint, constraintDefinition, options, tablespace}: IndexFacts): Statement {
  return sql`constraint ${ident(constraint!)} ${unnamedConstraint({constraintDefinition, options, tablespace})}`
}

type ConstraintParts = Pick<IndexFacts, 'constraintDefinition' | 'options' | 'tablespace'>

/** The same without a name, for a partition: PostgreSQL then chooses the name that PARTITION OF would give. */
export function unnamedConstraint({constraintDefinition, options, tablespace}: ConstraintParts): Statement {
  // Options come before DEFERRABLE, which pg_get_constraintdef prints last.
  const [, definition, deferrable = ''] = /^(.*?)( DEFERRABLE.*)?$/s.exec(constraintDefinition!)!
  const storage = options.length === 0 ? '' : ` with (${options.join(', ')})`
  const space = tablespace === null ? '' : ` using index tablespace ${ident(tablespace).text}`
  return sql`${raw(definition!)}${raw(storage)}${raw(space)}${raw(deferrable)}`
}

/** What follows the table in CREATE INDEX, with the tablespace, which must come before WHERE. */
export function indexClause({definition, tablespace}: Pick<IndexFacts, 'definition' | 'tablespace'>): Statement {
  if (tablespace === null) return sql`${raw(definition)}`
  const [, keys, where = ''] = /^(.*?)( WHERE \(.*)?$/s.exec(definition)!
  return sql`${raw(keys!)} tablespace ${ident(tablespace)}${raw(where)}`
}
