import {quoteIdent, quoteLiteral} from '../db/sql.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import type {Server} from '../db/server.js'
import {pathOf, type Difference, type RelationSnapshot, type Snapshot} from './catalog.js'
import type {SchemaDefinition, TableDefinition} from './definition.js'
import {
  checkSql,
  columnSql,
  createIndex,
  createRoutine,
  createTrigger,
  interval,
  relation,
  type Sql,
} from './generate/table.js'
import {name, qualified} from './names.js'
import {isSerial, readType} from './types.js'

/**
 * A statement that removes a difference without losing data or blocking other sessions for long; null if there is none:
 * an extra object may be wanted by its owner, a NOT NULL or a unique constraint requires a check of the rows.
 */
export type Fix = (difference: Difference) => Sql | null

/** The state of the actual object in which a statement applies. */
type When = 'missing' | 'other' | ' NOT VALID' | ' INVALID' | ' DISABLED'

export function fixesOf(definitions: SchemaDefinition, expected: Snapshot, live: Snapshot, server: Server): Fix {
  const fixes = new Map<string, Sql>()
  const key = (when: When, object: string, path: string) => [when, object, path].join('\0')
  for (const table of definitions.tables) {
    const object = formatQualifiedName(table.schema, table.name)
    const addFix = (when: When, path: string, sql: Sql) => void fixes.set(key(when, object, path), sql)
    const kind = expected.relations[object]?.kind
    const snapshot = live.relations[object]
    // An object of another kind under the same name is not converted.
    if (snapshot === undefined || snapshot.kind !== kind) continue
    columnFixes(table, addFix)
    // Parts that need a missing column cannot be added, if only a person can add that column.
    if (
      table.columns.some(
        ({name: column}) =>
          !Object.hasOwn(snapshot.columns, column) && !fixes.has(key('missing', object, pathOf('columns', column))),
      )
    )
      continue
    indexFixes(table, kind, server, addFix)
    triggerFixes(table, addFix)
    // TimescaleDB validates a check under its lock, even with NOT VALID.
    if (kind !== 'hypertable') constraintFixes(table, addFix)
    if (kind === 'hypertable' && table.hypertable && server.timescaledbSchema !== null)
      addFix(
        'other',
        'dimensions[0].interval',
        `select ${quoteIdent(server.timescaledbSchema)}.set_chunk_time_interval(${quoteLiteral(relation(table))}, ` +
          `${interval(table.hypertable.chunkInterval)})`,
      )
  }
  for (const aggregate of definitions.aggregates) {
    const object = formatQualifiedName(aggregate.schema, aggregate.name)
    const materializedOnly = expected.relations[object]?.materializedOnly
    if (materializedOnly != null)
      fixes.set(
        key('other', object, 'materializedOnly'),
        `alter materialized view ${relation(aggregate)} set (timescaledb.materialized_only = ${materializedOnly})`,
      )
  }
  // Views among the routines hold no rows of their own.
  for (const file of definitions.routines ?? [])
    if (expected.relations[`public.${file}`]?.kind === 'view')
      fixes.set(key('missing', `public.${file}`, ''), createRoutine(file))

  return ({object, path, expected: wanted, actual}) => {
    if (wanted === null) return null
    if (path === '' && Object.hasOwn(expected.routines, object))
      return routineMend(expected.routines[object]!, actual as string | null)
    const when =
      actual === null
        ? 'missing'
        : (([' NOT VALID', ' INVALID', ' DISABLED'] as const).find((state) => actual === `${String(wanted)}${state}`) ??
          'other')
    return (
      fixes.get(key(when, object, path)) ??
      (when === 'missing' ? fixes.get(key('other', object, path)) : undefined) ??
      null
    )
  }
}

type AddFix = (when: When, path: string, sql: Sql) => void

function columnFixes(table: TableDefinition, addFix: AddFix): void {
  for (const column of table.columns) {
    if (isSerial(readType(column.type)!.base)) continue
    const path = (...parts: readonly string[]) => pathOf('columns', column.name, ...parts)
    const alter = `alter table ${relation(table)} alter column ${name(column.name)}`
    if (column.nullable || column.default !== undefined)
      addFix('missing', path(), `alter table ${relation(table)} add column ${name(column.name)} ${columnSql(column)}`)
    if (column.default !== undefined) addFix('other', path('default'), `${alter} set default ${column.default}`)
    if (column.nullable) addFix('other', path('nullable'), `${alter} drop not null`)
  }
}

function constraintFixes(table: TableDefinition, addFix: AddFix): void {
  const alter = `alter table ${relation(table)}`
  const validate = (constraint: string) => `${alter} validate constraint ${name(constraint)}`
  for (const check of table.checks ?? [])
    addFix(
      'missing',
      pathOf('constraints', check.name),
      `${alter} add ${checkSql(check)} not valid;\n${validate(check.name)}`,
    )
  for (const constraint of [...(table.checks ?? []), ...(table.foreignKeys ?? [])])
    addFix(' NOT VALID', pathOf('constraints', constraint.name), validate(constraint.name))
}

function triggerFixes(table: TableDefinition, addFix: AddFix): void {
  for (const trigger of table.triggers ?? []) {
    addFix('missing', pathOf('triggers', trigger.name), createTrigger(table, trigger))
    addFix(
      ' DISABLED',
      pathOf('triggers', trigger.name),
      `alter table ${relation(table)} enable trigger ${name(trigger.name)}`,
    )
  }
}

/**
 * Created without blocking writers, except on partitioned tables, where PostgreSQL has no such option. The embedded
 * engine has no other sessions to block, and there transaction_per_chunk fails with "tuple concurrently updated".
 */
function indexFixes(
  table: TableDefinition,
  kind: RelationSnapshot['kind'] | undefined,
  {embedded}: Server,
  addFix: AddFix,
): void {
  for (const index of table.indexes ?? []) {
    const create = createIndex(table, index)
    const gently = embedded ? create : withoutBlocking(create, kind)
    addFix('missing', pathOf('indexes', index.name), gently)
    // No query uses an invalid index, so dropping it changes no plan; on a partitioned table it is completed from its
    // parts.
    if (kind === 'partitioned') continue
    const own = qualified(table.schema, index.name)
    addFix(
      ' INVALID',
      pathOf('indexes', index.name),
      kind === 'hypertable'
        ? `drop index ${own};\n${gently}`
        : `reindex index ${embedded ? '' : 'concurrently '}${own}`,
    )
  }
}

/** A CREATE INDEX that does not block writers, if the kind of table supports it. */
function withoutBlocking(create: Sql, kind: RelationSnapshot['kind'] | undefined): Sql {
  if (kind === 'partitioned') return create
  return kind === 'hypertable'
    ? `${create} with (timescaledb.transaction_per_chunk)`
    : create.replace(/^create index /, 'create index concurrently ')
}

/** CREATE OR REPLACE fails if parameters or result changed. */
function routineMend(expected: Sql, actual: Sql | null): Sql | null {
  const head = (definition: Sql) => definition.split('\n LANGUAGE ')[0]
  return actual === null || head(actual) === head(expected) ? expected.trim() : null
}
