import {isAbsolute, resolve} from 'node:path'
import {embeddedDirectory, type Database, type Target} from '../db/database.js'
import {withoutCredentials} from '../db/redact.js'
import {environmentNamesDatabase, type Environment} from '../db/libpq.js'
import {usageError} from '../errors.js'
import type {Config} from './load.js'
import {command} from '../units/command.js'
import {qicoreVariables} from '../units/environment.js'
import {strongest, type Setting} from './precedence.js'

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
  return {...target, role: roleSetting(request, env, config, target).value ?? undefined}
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

function database(request: TargetRequest, env: Environment, config: Config | null, cwd: string): Target {
  if (request.url !== undefined && request.target !== undefined)
    throw usageError('USAGE', '--url and --target exclude each other.', ['Leave one of them out.'])
  if (request.url === '')
    throw usageError('BAD_URL', '--url is empty.', [
      'Is the variable in it unset? Write postgres://role@host:5432/database or embedded:<directory>.',
    ])
  if (request.url !== undefined) return byUrl(request.url, '--url', cwd)
  if (request.target !== undefined) return byName(request.target, '--target', env, config)
  if (env.QICORE_DB_URL && env.QICORE_TARGET)
    throw usageError('USAGE', 'QICORE_DB_URL and QICORE_TARGET are both set, but exclude each other.', [
      'Unset one of them, or name the database with --url or --target.',
    ])
  if (env.QICORE_DB_URL) return byUrl(env.QICORE_DB_URL, 'QICORE_DB_URL', cwd)
  if (env.QICORE_TARGET) return byName(env.QICORE_TARGET, 'QICORE_TARGET', env, config)
  const stray = strayNames(env)
  if (stray !== null) {
    const named = Object.keys(config?.targets ?? {})
    if (request.changes && named.length > 0)
      throw usageError(
        'STRAY_URL',
        `The environment names a database (${stray}), but ${config!.file} has targets, so changes do not use the environment.`,
        [
          `Say which: --target ${named.join('|')}, --url, QICORE_DB_URL or QICORE_TARGET.`,
          `Or unset ${env.DATABASE_URL ? 'DATABASE_URL' : 'PGHOST, PGSERVICE, PGDATABASE …'} to use the default target.`,
        ],
      )
    return env.DATABASE_URL
      ? byUrl(env.DATABASE_URL, 'DATABASE_URL', cwd)
      : {name: null, url: '', source: 'libpq', protected: false}
  }
  if (config?.default !== undefined) return byName(config.default, 'config', env, config)
  throw usageError('NO_DATABASE_NAMED', 'No database is named.', [
    'Name a server: --url postgres://role@host/database, QICORE_DB_URL, or PGHOST and PGDATABASE.',
    'Or write targets into qicore-db.config.yaml and select one with --target.',
    `Or try it out with nothing installed: ${command('demo')}`,
  ])
}

/** The environment variables that name a database but are not specific to this program. */
function strayNames(env: Environment): string | null {
  if (env.DATABASE_URL) return 'DATABASE_URL'
  return environmentNamesDatabase(env) ? "libpq's PG… variables" : null
}

function byUrl(url: string, source: Target['source'], cwd: string): Target {
  return {name: null, url: absolute(url, cwd), source, protected: false}
}

function byName(name: string, source: Target['source'], env: Environment, config: Config | null): Target {
  const entry = config && Object.hasOwn(config.targets, name) ? config.targets[name] : undefined
  if (!entry)
    throw usageError(
      'NO_SUCH_TARGET',
      config ? `${config.file} has no target "${name}".` : `There is no configuration, so no target "${name}".`,
      [
        config
          ? `Its targets: ${Object.keys(config.targets).join(', ') || 'none'}.`
          : 'qicore-db.config.yaml is searched from here upwards; --config names another.',
      ],
    )
  const expanded = (text: string) => absolute(expand(text, name, env), config!.directory)
  return {
    name,
    url: expanded(entry.url),
    source,
    directUrl: entry.directUrl === undefined ? undefined : expanded(entry.directUrl),
    role: entry.role,
    protected: entry.protected,
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
