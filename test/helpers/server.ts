import {randomBytes} from 'node:crypto'
import {connect} from '../../src/db/connect.js'
import type {Database, Target} from '../../src/db/database.js'
import {raw, sql, ident} from '../../src/db/sql.js'
import {engineNamed} from '../../src/engines/index.js'
import type {EngineInfo} from './engine-info.js'

export const applicationName = 'qicore-db/test'

/** Settings for the statements of the test itself: they may change anything, and names are resolved as in psql. */
export const writing = {readOnly: false, lockTimeout: 10_000, statementTimeout: 120_000, searchPath: 'public'} as const

export interface ExtensionOptions {
  /** The schema of TimescaleDB's functions; `public` by default. */
  schema?: string
  /** Another version than the server's default, if it is installed. */
  version?: string
}

export function targetOf(url: string): Target {
  return {name: null, url, source: '--url', protected: false}
}

/** A database for one test, with the extension of the server's kind. */
export async function createDatabase(
  url: string,
  extension: ({name: 'timescaledb'} & ExtensionOptions) | {name: 'citus'} | null,
): Promise<{url: string; drop(): Promise<void>}> {
  const name = `qicore_test_${randomBytes(6).toString('hex')}`
  await asAdmin(url, (admin) => admin.autocommit(writing, sql`create database ${ident(name)}`))
  const text = urlOfDatabase(url, name)
  // TimescaleDB's scheduler keeps a session in it.
  const drop = () =>
    asAdmin(url, (admin) => admin.autocommit(writing, sql`drop database if exists ${ident(name)} with (force)`))
  try {
    if (extension) await asAdmin(text, (db) => createExtension(db, extension))
  } catch (error) {
    await drop()
    throw error
  }
  return {url: text, drop}
}

/** The kind of the server, found by trying, because an installed library need not be loaded. */
export async function probe(url: string): Promise<EngineInfo> {
  const database = await createDatabase(url, null)
  try {
    for (const name of ['timescaledb', 'citus'] as const)
      await asAdmin(database.url, (db) => createExtension(db, {name})).catch(() => {})
    return await asAdmin(database.url, async (db) => {
      const {engine, postgres} = db.server
      const {extension} = engineNamed(engine).heading(db.server)
      const name = extension === null ? `PostgreSQL ${postgres}` : `${extension} on PostgreSQL ${postgres}`
      return {name, kind: engine, native: true, url, template: null}
    })
  } finally {
    await database.drop()
  }
}

async function createExtension(
  db: Database,
  extension: ({name: 'timescaledb'} & ExtensionOptions) | {name: 'citus'},
): Promise<void> {
  if (extension.name === 'citus') {
    // Citus refuses it in a database in which the library is not preloaded, and in one with TimescaleDB.
    await db.autocommit(writing, sql`create extension citus`)
    const [{name}] = (await db.query<{name: string}>(sql`select current_database() as name`)) as [{name: string}]
    // Not 32: each partition has so many shards, and each shard is a table with indexes.
    await db.autocommit(writing, sql`alter database ${ident(name)} set citus.shard_count = 4`)
    return
  }
  const {schema = 'public', version} = extension
  const which = version === undefined ? raw('') : raw(` version '${version}'`)
  await db.transaction(writing, async (tx) => {
    await tx.query(sql`create schema if not exists ${ident(schema)}`)
    await tx.query(sql`create extension timescaledb schema ${ident(schema)}${which}`)
  })
}

async function asAdmin<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await connect(targetOf(url), {applicationName})
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/** The same server and role, another database. */
export function urlOfDatabase(url: string, database: string): string {
  const [before, query] = url.split('?', 2) as [string, string?]
  const base = /^(postgres(?:ql)?:\/\/[^/]*)/.exec(before)?.[1] ?? before
  return `${base}/${encodeURIComponent(database)}${query === undefined ? '' : `?${query}`}`
}
