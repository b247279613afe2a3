import {isAbsolute, resolve} from 'node:path'
import {embeddedDirectory, type Database, type ObjectStore, type Target, type TargetSource} from '../db/database.js'
import {withoutCredentials} from '../db/redact.js'
import {environmentNamesDatabase, type Environment} from '../db/libpq.js'
import {OpsError, usageError} from '../errors.js'
import type {Config} from './load.js'
import {command} from '../units/command.js'
import {qicoreVariables} from '../units/environment.js'
import {strongest, type Setting} from './precedence.js'
import {databasesText, hasDatabase, parseSelector} from './target-names.js'

export interface TargetRequest {
  url?: string | undefined
  target?: string | undefined
  /** Role for changes; overrides that of the target. */
  role?: string | undefined
  /** A command that changes something accepts a database only from sources meant for this program. */
  changes: boolean
}

/**
 * Selects the database from --url, --target, QICORE_DB_URL or QICORE_TARGET, DATABASE_URL, libpq's environment or the
 * configuration's default; and the role for changes from --role, QICORE_ROLE or the target.
 * @param cwd base of relative `embedded:` paths in flags and environment; those in the configuration are relative to
 * its file
 * @throws OpsError NO_DATABASE_NAMED, NO_SUCH_TARGET, STRAY_URL, UNSET_VARIABLE
 */
export function resolveTarget(request: TargetRequest, env: Environment, config: Config | null, cwd: string): Target {
  const target = database(request, env, config, cwd)
  return {
    ...target,
    role: roleSetting(request, env, config, target).value ?? undefined,
    objectStore: objectStoreOf(env),
  }
}

/**
 * Address and region of S3-compatible stores: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION and AWS_DEFAULT_REGION,
 * as for AWS's own tools; undefined if none is set. Keys are read by AWS's library.
 */
function objectStoreOf(env: Environment): ObjectStore | undefined {
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined
  return endpoint === undefined && region === undefined ? undefined : {endpoint, region}
}

/** The role for changes; null: the connecting role. */
export function roleSetting(
  request: Pick<TargetRequest, 'role'>,
  env: Environment,
  config: Config | null,
  target: Pick<Target, 'role'> | null,
): Setting<string | null> {
  return strongest<string | null>({
    flag: {name: '--role', value: request.role},
    environment: {name: qicoreVariables.role, env, parse: (text) => text},
    config: {file: config?.file, value: target?.role},
    default: null,
  })
}

/** What names the database of a command: a URL, a name of the configuration, or the environment of libpq. */
type Choice = {url: string; source: TargetSource} | {name: string; source: TargetSource}

function database(request: TargetRequest, env: Environment, config: Config | null, cwd: string): Target {
  const choice = choose(request, env, config)
  if ('name' in choice) return namedTarget(choice.name, choice.source, env, config)
  return {name: null, url: absolute(choice.url, cwd), source: choice.source, protected: false}
}

/**
 * The name of the target that a command selects, for the settings of that target. Null if a URL selects the database,
 * or no database is selected.
 */
export function selectedName(request: TargetRequest, env: Environment, config: Config | null): string | null {
  try {
    const choice = choose(request, env, config)
    return 'name' in choice ? choice.name : null
  } catch (error) {
    // Reported when the database is resolved; a command that needs none runs with the settings of the file.
    if (error instanceof OpsError) return null
    throw error
  }
}

function choose(request: TargetRequest, env: Environment, config: Config | null): Choice {
  if (request.url !== undefined && request.target !== undefined)
    throw usageError('USAGE', '--url and --target cannot be used together.', ['Use only one of them.'])
  if (request.url === '')
    throw usageError('BAD_URL', '--url is empty.', [
      'Is the variable in it unset? Write postgres://role@host:5432/database or embedded:<directory>.',
    ])
  if (request.url !== undefined) return {url: request.url, source: '--url'}
  if (request.target !== undefined) return {name: request.target, source: '--target'}
  if (env.QICORE_DB_URL && env.QICORE_TARGET)
    throw usageError('USAGE', 'QICORE_DB_URL and QICORE_TARGET are both set, but cannot be used together.', [
      'Unset one of them, or name the database with --url or --target.',
    ])
  if (env.QICORE_DB_URL) return {url: env.QICORE_DB_URL, source: 'QICORE_DB_URL'}
  if (env.QICORE_TARGET) return {name: env.QICORE_TARGET, source: 'QICORE_TARGET'}
  const stray = strayNames(env)
  if (stray !== null) return strayChoice(stray, request, env, config)
  if (config?.default !== undefined) return {name: config.default, source: 'config'}
  throw usageError('NO_DATABASE_NAMED', 'No database is named.', [
    'Name a server: --url postgres://role@host/database, QICORE_DB_URL, or PGHOST and PGDATABASE.',
    'Or write targets into qicore-db.config.yaml and select one with --target.',
    `Or try it out with nothing installed: ${command('demo')}`,
  ])
}

function strayChoice(stray: string, request: TargetRequest, env: Environment, config: Config | null): Choice {
  const named = Object.keys(config?.targets ?? {})
  if (request.changes && named.length > 0)
    throw usageError(
      'STRAY_URL',
      `The environment names a database (${stray}), but ${config!.file} has targets, so changes do not use the ` +
        'environment.',
      [
        `Say which: --target ${named.join('|')}, --url, QICORE_DB_URL or QICORE_TARGET.`,
        `Or unset ${env.DATABASE_URL ? 'DATABASE_URL' : 'PGHOST, PGSERVICE, PGDATABASE …'} to use the default target.`,
      ],
    )
  return env.DATABASE_URL ? {url: env.DATABASE_URL, source: 'DATABASE_URL'} : {url: '', source: 'libpq'}
}

/** The environment variables that name a database but are not specific to this program. */
function strayNames(env: Environment): string | null {
  if (env.DATABASE_URL) return 'DATABASE_URL'
  return environmentNamesDatabase(env) ? "libpq's PG… variables" : null
}

/**
 * A target of the configuration by its name, `paris`, or `tenants/acme` for one database of a target with `databases`.
 * @throws OpsError NO_SUCH_TARGET, UNSET_VARIABLE
 */
export function namedTarget(name: string, source: TargetSource, env: Environment, config: Config | null): Target {
  const selected = parseSelector(name)
  const entry = config && Object.hasOwn(config.targets, selected.target) ? config.targets[selected.target] : undefined
  if (!entry || (entry.databases === undefined && selected.database !== null))
    throw noSuchTarget(
      config ? `${config.file} has no target "${name}".` : `There is no configuration, so no target "${name}".`,
      config,
    )
  const {databases} = entry
  if (databases !== undefined && (selected.database === null || !hasDatabase(databases, selected.database)))
    throw noSuchTarget(
      `"${name}" is not one database: ${selected.target} has the databases ${databasesText(databases)}.`,
      {
        ...config!,
        suggestion: `One of them: --target ${selected.target}/<database>; a report of all: --targets ${selected.target}`,
      },
    )
  return {...serverTarget(selected.target, source, env, config!), name, ...databaseOf(selected.database)}
}

const databaseOf = (database: string | null) => (database === null ? {} : {database})

/** The error NO_SUCH_TARGET, which lists what the configuration has. */
export function noSuchTarget(
  message: string,
  config: (Pick<Config, 'targets' | 'groups'> & {suggestion?: string}) | null,
): OpsError {
  if (config === null)
    return usageError('NO_SUCH_TARGET', message, [
      'qicore-db.config.yaml is searched from here upwards; --config names another.',
    ])
  const groups = Object.keys(config.groups ?? {})
  return usageError('NO_SUCH_TARGET', message, [
    ...(config.suggestion === undefined ? [] : [config.suggestion]),
    `Its targets: ${Object.keys(config.targets).join(', ') || 'none'}.`,
    ...(groups.length === 0 ? [] : [`Its groups, for --targets: ${groups.join(', ')}.`]),
  ])
}

/** The server of a target, with the database of its URL. @throws OpsError UNSET_VARIABLE */
export function serverTarget(name: string, source: TargetSource, env: Environment, config: Config): Target {
  const entry = config.targets[name]!
  const expanded = (text: string) => absolute(expand(text, name, env), config.directory)
  return {
    name,
    url: expanded(entry.url),
    source,
    directUrl: entry.directUrl === undefined ? undefined : expanded(entry.directUrl),
    role: entry.role,
    protected: entry.protected,
    objectStore: objectStoreOf(env),
  }
}

function expand(text: string, target: string, env: Environment): string {
  return text.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
    const value = env[variable]
    if (!value)
      throw usageError(
        'UNSET_VARIABLE',
        `The target "${target}" needs the environment variable ${variable}, and it is not set.`,
        [`Set ${variable}, or select another target.`],
      )
    return value
  })
}

function absolute(url: string, base: string): string {
  const directory = embeddedDirectory(url)
  // A path of it would be printed, with the password.
  if (directory?.includes('://'))
    throw usageError('BAD_URL', 'After "embedded:" a directory must follow, not a URL.', [
      'Write the URL alone, or embedded:<directory>.',
    ])
  return !directory || isAbsolute(directory) ? url : `embedded:${resolve(base, directory)}`
}

/**
 * Label of a target before connecting: its name, else its URL without user and password. Null if libpq's environment
 * selects the database.
 */
export function targetLabel({name, url}: Pick<Target, 'name' | 'url'>): string | null {
  return name ?? (url === '' ? null : withoutCredentials(url))
}

/**
 * The `target` of every report: the same label, or the URL of the connected database if libpq's environment selected
 * it.
 */
export function reportTarget({target, server}: Pick<Database, 'target' | 'server'>): string {
  return targetLabel(target) ?? `postgres://${addressOf(server)}/${encodeURIComponent(server.database)}`
}

/** Empty for a local socket. */
function addressOf({host, port}: Database['server']): string {
  if (host === null) return ''
  return `${host.includes(':') ? `[${host}]` : host}${port === null ? '' : `:${port}`}`
}
