import {quoteLiteral} from '../../db/sql.js'
import type {SchemaDefinition, TableDefinition} from '../definition.js'
import {qualified} from '../names.js'
import {relation, type Sql} from './table.js'

/**
 * Distributes tables, with `citus.shard_count` shards each; none if no table is distributed. Reference tables are
 * first: a foreign key to a table that is not yet one is refused.
 */
export function distributeTables({tables}: SchemaDefinition): Sql[] {
  const made = [
    ...tables.filter(({distribution}) => distribution?.kind === 'reference').map(distributeTable),
    // A table is distributed after the one whose shards it shares.
    ...tables
      .filter(({distribution}) => distribution?.kind === 'hash' && !distribution.colocateWith)
      .map(distributeTable),
    ...tables
      .filter(({distribution}) => distribution?.kind === 'hash' && distribution.colocateWith)
      .map(distributeTable),
  ]
  return made.length === 0 ? [] : [sequentialMode, ...made]
}

/**
 * Without it, a foreign key to a reference table fails in a transaction that has used several connections to a node.
 */
const sequentialMode: Sql = "set local citus.multi_shard_modify_mode = 'sequential'"

function distributeTable(table: TableDefinition): Sql {
  const {distribution} = table
  const text = quoteLiteral(relation(table))
  if (distribution?.kind !== 'hash') return `select create_reference_table(${text})`
  const {column, colocateWith} = distribution
  const shares = colocateWith === undefined ? 'none' : qualified(colocateWith.schema, colocateWith.table)
  return `select create_distributed_table(${text}, ${quoteLiteral(column)}, colocate_with => ${quoteLiteral(shares)})`
}
