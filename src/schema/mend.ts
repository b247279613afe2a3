import {quoteIdent, quoteLiteral} from '../db/sql.js'
import type {Server} from '../db/server.js'
import type {Difference, RelationSnapshot, Snapshot} from './catalog.js'
import type {SchemaDefinition, TableDefinition} from './definition.js'
import {checkSql, columnSql, createIndex, createTrigger, interval, relation, type Sql} from './generate/table.js'
import {name} from './names.js'
import {isSerial, readType} from './types.js'

/**
 * What would undo a difference without losing anything or keeping anybody waiting long; null where there is no such
 * statement: an extra is somebody's, a NOT NULL or a unique set needs the rows to be looked at.
 */
export type Mend = (difference: Difference) => Sql | null

export function mendsOf(definitions: SchemaDefinition, expected: Snapshot, server: Server): Mend {
  const added = new Map<string, Sql>()
  const changed = new Map<string, Sql>()
  const key = (object: string, path: string) => `${object}\0${path}`
  for (const table of definitions.tables) {
    const object = `${table.schema}.${table.name}`
    const isHypertable = expected.relations[object]?.kind === 'hypertable'
    columnMends(table, (path, sql, adds) => (adds ? added : changed).set(key(object, path), sql))
    for (const index of table.indexes ?? []) added.set(key(object, `indexes.${index.name}`), indexMend(createIndex(table, index), expected.relations[object]?.kind, server))
    for (const trigger of table.triggers ?? []) added.set(key(object, `triggers.${trigger.name}`), createTrigger(table, trigger))
    // TimescaleDB validates a check while everybody waits, NOT VALID or not.
    if (!isHypertable)
      for (const check of table.checks ?? [])
        added.set(key(object, `constraints.${check.name}`), `alter table ${relation(table)} add ${checkSql(check)} not valid;\nalter table ${relation(table)} validate constraint ${name(check.name)}`)
    if (isHypertable && table.hypertable && server.timescaledbSchema !== null)
      changed.set(key(object, 'dimensions[0].interval'), `select ${quoteIdent(server.timescaledbSchema)}.set_chunk_time_interval(${quoteLiteral(relation(table))}, ${interval(table.hypertable.chunkInterval)})`)
  }
  return ({object, path, expected: wanted, actual}) => {
    if (wanted === null) return null
    const routine = path === '' ? expected.routines[object] : undefined
    if (routine !== undefined) return routine.trim()
    return (actual === null ? added.get(key(object, path)) : undefined) ?? changed.get(key(object, path)) ?? null
  }
}

function columnMends(table: TableDefinition, say: (path: string, sql: Sql, adds: boolean) => void): void {
  for (const column of table.columns) {
    const serial = isSerial(readType(column.type)!.base)
    const alter = `alter table ${relation(table)} alter column ${name(column.name)}`
    if (!serial && (column.nullable || column.default !== undefined)) say(`columns.${column.name}`, `alter table ${relation(table)} add column ${name(column.name)} ${columnSql(column)}`, true)
    if (!serial) say(`columns.${column.name}.default`, column.default === undefined ? `${alter} drop default` : `${alter} set default ${column.default}`, false)
    if (column.nullable) say(`columns.${column.name}.nullable`, `${alter} drop not null`, false)
  }
}

/**
 * Writers go on meanwhile, but for partitioned tables, which PostgreSQL indexes only at once. The embedded engine has
 * nobody else to wait, and ends an index by chunks with "tuple concurrently updated".
 */
function indexMend(create: Sql, kind: RelationSnapshot['kind'] | undefined, {embedded}: Server): Sql {
  if (embedded || kind === 'partitioned') return create
  return kind === 'hypertable' ? `${create} with (timescaledb.transaction_per_chunk)` : create.replace(/^create index /, 'create index concurrently ')
}
