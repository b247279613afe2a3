import {randomBytes} from 'node:crypto'
import {
  embeddedDirectory,
  withDatabase,
  type Database,
  type Db,
  type Target,
  type TransactionSettings,
} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, literal, raw, sql, statement} from '../db/sql.js'
import {serverMessage} from '../db/sqlstate.js'
import {can, engineNamed} from '../engines/index.js'
import {ExitCode, OpsError, usageError} from '../errors.js'
import {routineFiles} from './migrate/routine-files.js'
import {migrationSources, migrationsFor} from './migrate/source.js'
import {statementsOf} from './migrate/plan.js'
import type {SchemaDefinition, TableDefinition} from './definition.js'
import {wholeSchema} from './generate/files.js'
import {createTables} from './generate/new-tables.js'
import {name, names, qualified} from './names.js'
import {qicore} from './built-in.js'

const settings: TransactionSettings = {readOnly: false, lockTimeout: 10_000, statementTimeout: 120_000}
const applicationName = 'qicore-db/schema verify'

/**
 * Runs `work` with an empty database of the same server with the same extension, and drops it afterwards (not after
 * kill -9).
 * @param resolveSession the URL of an empty database to use instead; objects created in it are kept
 * @throws OpsError NO_SCRATCH if the role may not create a database, SCRATCH_NOT_EMPTY
 */
export async function withScratch<T>(
  db: Database,
  resolveSession: string | undefined,
  work: (scratch: Database) => Promise<T>,
): Promise<T> {
  if (resolveSession !== undefined)
    return withDatabase(targetOf(resolveSession), {applicationName}, (scratch) =>
      onlyEmpty(scratch).then(() => work(scratch)),
    )
  if (embeddedDirectory(db.target.url) !== null) return withDatabase(targetOf('embedded:'), {applicationName}, work)
  const name = `qicore_verify_${randomBytes(6).toString('hex')}`
  try {
    // Not from template1: objects added to template1 would appear as extra in every comparison.
    await db.autocommit(settings, sql`create database ${ident(name)} template template0`)
  } catch (error) {
    throw usageError(
      'NO_SCRATCH',
      'The definitions are created in an empty database and compared with this one, but no database can be ' +
        `created here: ${serverMessage(error)}`,
      [
        'Connect as a role with CREATEDB.',
        'Or name an empty database of the same PostgreSQL and TimescaleDB: --scratch <url>',
      ],
    )
  }
  try {
    const target = {...db.sibling(name), role: undefined}
    await withDatabase(target, {applicationName}, (fresh) => createExtension(fresh, db))
    // The session that created the extension does not have all of it loaded.
    return await withDatabase(target, {applicationName}, work)
  } finally {
    await db.autocommit(settings, sql`drop database if exists ${ident(name)} with (force)`)
  }
}

/** A mistyped URL must not create our tables in a database that is in use. */
async function onlyEmpty(scratch: Database): Promise<void> {
  const [row] = await scratch.query<{holds: boolean}>(statement(loadSql('schema/holds-relations')))
  if (row!.holds)
    throw usageError('SCRATCH_NOT_EMPTY', 'The database of --scratch is not empty. Nothing was created in it.', [
      'Name one that has only the extension; drop what an earlier run created in it.',
    ])
}

async function createExtension(fresh: Database, like: Database): Promise<void> {
  const {engine, extensionVersion, timescaledbSchema} = like.server
  const {extension} = engineNamed(engine)
  if (extension === null || extensionVersion === null) return
  const where = timescaledbSchema === null ? raw('') : sql` schema ${ident(timescaledbSchema)}`
  await fresh.transaction(settings, async (tx) => {
    if (timescaledbSchema !== null) await tx.query(sql`create schema if not exists ${ident(timescaledbSchema)}`)
    await tx.query(sql`create extension ${ident(extension.name)}${where} version ${literal(extensionVersion)}`)
  })
}

/**
 * Creates the definitions in an empty database, including the schema qicore. Tables outside the definitions that
 * foreign keys refer to are created with only the referenced columns.
 */
export async function makeDefinitions(
  scratch: Database,
  {tables, aggregates, routines}: SchemaDefinition,
  stop?: AbortSignal,
): Promise<void> {
  const {engine} = scratch.server
  const streams = migrationSources(null)
    .filter(({stream}) => stream === 'core')
    .flatMap((source) => migrationsFor(source, engine).flatMap((migration) => migration.source ?? []))
  const isOurs = (called: string, schema: string) =>
    qicore.tables.some((table) => table.name === called && table.schema === schema)
  const ours = tables.filter((table) => isOurs(table.name, table.schema))
  const own = tables.filter((table) => !isOurs(table.name, table.schema))
  await scratch.transaction(settings, async (transaction) => {
    // One shard of each table shows how it is distributed.
    if (can(engine, 'distribution')) await transaction.query(sql`set local citus.shard_count = 1`)
    const tx: Db = {
      query: (text) => {
        if (stop?.aborted)
          throw new OpsError('INTERRUPTED', 'Interrupted; nothing was compared.', {exit: ExitCode.interrupted})
        return transaction.query(text)
      },
    }
    for (const source of streams) for (const {text} of await statementsOf(source)) await tx.query(statement(text))
    for (const {text} of routineFiles(engine).filter(({stream}) => stream === 'core')) await tx.query(statement(text))
    for (const text of externalTables(tables).flatMap(createStub)) await tx.query(statement(text))
    if (ours.length > 0)
      for (const text of wholeSchema({tables: ours, aggregates, routines}, engine)) await tx.query(statement(text))
    for (const text of createTables(own, engine)) await tx.query(statement(text))
  })
}

/** A table outside the definitions, described by the foreign keys that refer to it. */
export interface ExternalTable {
  schema: string
  name: string
  keys: {column: string; type: string}[][]
}

export function externalTables(tables: readonly TableDefinition[]): ExternalTable[] {
  const found = new Map<string, ExternalTable>()
  for (const table of tables) {
    for (const {columns, references} of table.foreignKeys ?? []) {
      if (tables.some(({schema, name}) => schema === references.schema && name === references.table)) continue
      const key = formatQualifiedName(references.schema, references.table)
      const stranger = found.get(key) ?? {schema: references.schema, name: references.table, keys: []}
      stranger.keys.push(references.columns.map((column, index) => ({column, type: plainType(table, columns[index]!)})))
      found.set(key, stranger)
    }
  }
  return [...found.values()]
}

function plainType({columns}: TableDefinition, column: string): string {
  return columns
    .find(({name}) => name === column)!
    .type.replace(/^(small|big)?serial$/i, (_, size = '') => (size === '' ? 'integer' : `${String(size)}int`))
}

function createStub({schema, name: table, keys}: ExternalTable): string[] {
  const columns = new Map(keys.flat().map(({column, type}) => [column, type]))
  const sets = [...new Set(keys.map((key) => names(key.map(({column}) => column))))]
  const lines = [
    ...[...columns].map(([column, type]) => `${name(column)} ${type}`),
    ...sets.map((set) => `unique (${set})`),
  ]
  return [
    ...(schema === 'public' ? [] : [`create schema if not exists ${name(schema)}`]),
    `create table ${qualified(schema, table)} (${lines.join(', ')})`,
  ]
}

function targetOf(url: string): Target {
  return {name: null, url, source: '--url', protected: false}
}
