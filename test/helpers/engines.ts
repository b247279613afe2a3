import {cpSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, inject, it} from 'vitest'
import {connect} from '../../src/db/connect.js'
import type {Database, Target} from '../../src/db/database.js'
import {can, engineNamed, takesMigrationsOf, type EngineKind} from '../../src/engines/index.js'
import {statement, type Statement, type Value} from '../../src/db/sql.js'
import type {EngineInfo} from './engine-info.js'
import {temporaryDirectory} from './files.js'
import {applicationName, createDatabase, targetOf, writing, type ExtensionOptions} from './server.js'

/** A database for one test, and the functions with which the test uses it. */
export interface TestDatabase {
  db: Database
  /** `embedded:` for the one in memory, which only this process can open. */
  url: string
  target: Target
  /** Runs SQL in a transaction with search_path public, and returns the rows. */
  run<Row extends object = Record<string, unknown>>(text: string | Statement, values?: readonly Value[]): Promise<Row[]>
  /** Runs one statement outside of any transaction. */
  autocommit(text: string): Promise<void>
}

export interface DatabaseOptions {
  /** Only for a native server: the embedded engine has its extension in one schema. */
  timescaledb?: ExtensionOptions
}

/** One of the engines of this run. */
export interface Engine extends Omit<EngineInfo, 'url' | 'template'> {
  /** Whether time-series tables are hypertables; otherwise they are partition sets. */
  hypertables: boolean
  /**
   * An empty database, with TimescaleDB if the engine has it. A server creates a new one each time; the embedded engine
   * empties its only one, so its previous contents are gone and an earlier `db` must not be used any more.
   */
  database(options?: DatabaseOptions): Promise<TestDatabase>
  /**
   * The URL of a database that any process can open: on the embedded engine a directory, which is closed again after
   * `fill` has returned. For tests of the binary.
   */
  urlFor(fill: (database: TestDatabase) => Promise<unknown>): Promise<string>
}

export interface EngineFilter {
  /** `postgres` includes Citus: what works on plain PostgreSQL works on tables that Citus does not distribute. */
  kinds?: readonly EngineKind[]
  /** Engines on which the subject does not exist: Citus has no guard of crypto_prices. */
  not?: readonly EngineKind[]
  /** Only servers with many sessions (locks, concurrency, kill -9). */
  native?: boolean
}

const closers: (() => Promise<unknown>)[] = []

/** Called after each test file by after-engine-file.ts. */
export async function closeDatabases(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

/** The matching engines of this run, for a test that selects them itself. */
export function enginesFor({kinds, not = [], native}: EngineFilter = {}): Engine[] {
  return inject('engines')
    .filter(
      (info) =>
        (kinds === undefined || kinds.some((kind) => takesMigrationsOf(info.kind, kind))) &&
        !not.includes(info.kind) &&
        (native === undefined || info.native === native),
    )
    .map(engineOf)
}

/**
 * Registers the same tests once for every matching engine. If there is none, a skipped test and a line on the screen
 * say so.
 */
export function forEachEngine(filter: EngineFilter, tests: (engine: Engine) => void): void {
  const engines = enginesFor(filter)
  for (const engine of engines) describe(`on ${engine.name}`, () => tests(engine))
  if (engines.length > 0) return
  const wanted = [filter.native ? 'native' : '', filter.kinds?.join(' or ') ?? ''].filter(Boolean).join(' ')
  skipBecause(`no ${wanted} engine in this run; QICORE_TEST_URL can name one`)
}

/** Registers a skipped test with its reason. */
export function skipBecause(reason: string): void {
  it(`skipped: ${reason}`, (context) => {
    process.stderr.write(`skipped: ${context.task.file.name}: ${reason}\n`)
    context.skip(reason)
  })
}

function engineOf(info: EngineInfo): Engine {
  return {
    name: info.name,
    kind: info.kind,
    native: info.native,
    hypertables: can(info.kind, 'hypertables'),
    database: (options = {}) => (info.url === null ? embedded(info) : onServer(info, info.url, options)),
    urlFor: (fill) => (info.url === null ? onDisk(info, fill) : filled(info, info.url, fill)),
  }
}

/** Shared by the test files that run in one process: starting it takes longer than most files. */
let inMemory: Promise<Database> | null = null

async function embedded(info: EngineInfo): Promise<TestDatabase> {
  const first = inMemory === null
  inMemory ??= connect(targetOf('embedded:'), {applicationName, template: info.template!.archive})
  const db = await inMemory
  if (!first) {
    const clean = readFileSync(new URL('clean.sql', import.meta.url), 'utf8')
    await db.autocommit(writing, statement(clean))
    await db.probe()
  }
  return handle(db, 'embedded:')
}

async function onServer(info: EngineInfo, url: string, options: DatabaseOptions): Promise<TestDatabase> {
  const extension = engineNamed(info.kind).extension?.name ?? null
  const database = await createDatabase(
    url,
    extension === 'timescaledb' ? {name: extension, ...options.timescaledb} : extension && {name: extension},
  )
  closers.push(() => database.drop())
  const db = await connect(targetOf(database.url), {applicationName})
  closers.push(() => db.close())
  return handle(db, database.url)
}

async function filled(
  info: EngineInfo,
  url: string,
  fill: (database: TestDatabase) => Promise<unknown>,
): Promise<string> {
  const database = await onServer(info, url, {})
  await fill(database)
  await database.db.close()
  return database.url
}

/** The URL of a new embedded directory with an empty database. */
function copyOfTemplate({template}: EngineInfo): string {
  const directory = join(temporaryDirectory(), 'db')
  cpSync(template!.directory, directory, {recursive: true})
  return `embedded:${directory}`
}

async function onDisk(info: EngineInfo, fill: (database: TestDatabase) => Promise<unknown>): Promise<string> {
  const url = copyOfTemplate(info)
  const db = await connect(targetOf(url), {applicationName})
  try {
    await fill(handle(db, url))
  } finally {
    await db.close()
  }
  return url
}

function handle(db: Database, url: string): TestDatabase {
  return {
    db,
    url,
    target: targetOf(url),
    run: <Row extends object>(text: string | Statement, values: readonly Value[] = []) =>
      db.transaction(writing, (tx) => tx.query<Row>(typeof text === 'string' ? statement(text, values) : text)),
    autocommit: (text) => db.autocommit(writing, statement(text)),
  }
}
