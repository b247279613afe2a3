import {createHash} from 'node:crypto'
import {mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Target} from '../../db/database.js'
import {databaseVariables, type Environment} from '../../db/libpq.js'
import {shortName} from '../../db/qualified-name.js'
import {withoutCredentials} from '../../db/redact.js'

/** Names of a database as an operator types them. */
export interface KnownTables {
  tables: readonly string[]
  aggregates: readonly string[]
}

/** A file of this many names has less than 100 kB. */
const mostNames = 1_000
/** Databases whose names are kept: those of which the names were written last. */
const mostFiles = 50

/** A row of `stats`. */
interface NamedTable {
  schema: string
  table: string
  kind: string
}

/**
 * Keeps the names of a database for completion, which connects to nothing: a connection would take longer than a person
 * waits for a key, and the passwords of some need a question. Neither the file nor its name has a credential.
 * Completion is only a convenience, so that a failure to write changes nothing.
 */
export function rememberTables(
  target: Pick<Target, 'url' | 'database'>,
  tables: readonly NamedTable[],
  env: Environment,
): void {
  const names = (isAggregate: boolean) =>
    tables
      .filter(({kind}) => (kind === 'aggregate') === isAggregate)
      .map(({schema, table}) => shortName(schema, table))
      .slice(0, mostNames)
  const known: KnownTables = {tables: names(false), aggregates: names(true)}
  try {
    const directory = directoryOf(env)
    if (directory === null) return
    const file = join(directory, fileOf(target, env))
    mkdirSync(directory, {recursive: true, mode: 0o700})
    // Another process may read it now.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(known), {mode: 0o600})
    renameSync(`${file}.${process.pid}`, file)
    removeOldest(directory)
  } catch {
    // For example a read-only home directory.
  }
}

/** The names of a database when they were last written; none if they never were. */
export function rememberedTables(target: Pick<Target, 'url' | 'database'>, env: Environment): KnownTables {
  const none: KnownTables = {tables: [], aggregates: []}
  const directory = directoryOf(env)
  if (directory === null) return none
  try {
    const known: unknown = JSON.parse(readFileSync(join(directory, fileOf(target, env)), 'utf8'))
    const listed = (key: keyof KnownTables) => {
      const names: unknown = (known as Partial<Record<string, unknown>> | null)?.[key]
      return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
    }
    return {tables: listed('tables'), aggregates: listed('aggregates')}
  } catch {
    return none
  }
}

function directoryOf(env: Environment): string | null {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'qicore-db')
  return env.HOME ? join(env.HOME, '.cache', 'qicore-db') : null
}

/** The same database by the name of its target and by its URL has the same file. */
function fileOf({url, database}: Pick<Target, 'url' | 'database'>, env: Environment): string {
  const place = url === '' ? databaseVariables(env).map((name) => [name, env[name]]) : withoutCredentials(url)
  return `tables-${createHash('sha256')
    .update(JSON.stringify(database === undefined ? place : [place, database]))
    .digest('hex')
    .slice(0, 32)}.json`
}

function removeOldest(directory: string): void {
  const files = readdirSync(directory).filter((name) => name.startsWith('tables-'))
  if (files.length <= mostFiles) return
  const byAge = files
    .map((name) => ({name, at: statSync(join(directory, name)).mtimeMs}))
    .sort((one, other) => other.at - one.at)
  for (const {name} of byAge.slice(mostFiles)) rmSync(join(directory, name), {force: true})
}
