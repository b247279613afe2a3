import {existsSync, readFileSync} from 'node:fs'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {parse as parseIni} from 'ini'
import {parse as parseUrl} from 'pg-connection-string'
import {messageOf, usageError} from '../errors.js'
import {redact} from './redact.js'

/** libpq's connection parameters, merged from URL, service file and environment. */
export type Parameters = Partial<Record<string, string>>
export type Environment = Readonly<Record<string, string | undefined>>

const tlsParameters = new Set(['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslnegotiation'])

const encodeHint =
  'Percent-encode special characters of the password (@ as %40, / as %2F, # as %23), or use PGPASSFILE.'

/** libpq's parameter names for environment variables; node-postgres reads the other variables itself. */
const fromEnvironment: Record<string, string> = {
  PGHOST: 'host',
  PGHOSTADDR: 'hostaddr',
  PGPORT: 'port',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGDATABASE: 'dbname',
  PGSSLMODE: 'sslmode',
  PGSSLROOTCERT: 'sslrootcert',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGSSLNEGOTIATION: 'sslnegotiation',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
  PGLOADBALANCEHOSTS: 'load_balance_hosts',
  PGOPTIONS: 'options',
}

/** The libpq environment variables that are set and specify a database or a part of its address. */
export function databaseVariables(env: Environment): string[] {
  return ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGSERVICE', 'PGUSER'].filter((name) => Boolean(env[name]))
}

/** Whether libpq's environment variables alone specify a database. */
export function environmentNamesDatabase(env: Environment): boolean {
  return databaseVariables(env).length > 0
}

/** The default connect timeout for each host, in milliseconds. */
const defaultTimeout = 5_000

/** The connect timeout for each host, in milliseconds; 0 means no timeout, as in libpq. @throws OpsError BAD_URL */
export function connectTimeoutOf({connect_timeout: given}: Parameters): number {
  if (given === undefined) return defaultTimeout
  const seconds = Number(given)
  if (!Number.isInteger(seconds))
    throw usageError('BAD_URL', `connect_timeout is not a number of seconds: "${given}".`, ['Write connect_timeout=5'])
  return Math.max(0, seconds) * 1000
}

/**
 * The connection parameters in libpq's order of precedence: the URL, then the service that it or PGSERVICE names, then
 * the environment. host, hostaddr and port may be comma-separated lists ({@link hostsOf}).
 * @param url `postgres://…`, or '' for service and environment only
 * @throws OpsError BAD_URL, NO_SERVICE, TLS
 */
export function connectionParameters(url: string, env: Environment): Parameters {
  const given = url === '' ? {} : parametersOfUrl(url)
  const service = given.service ?? env.PGSERVICE
  const parameters: Parameters = {}
  for (const [name, key] of Object.entries(fromEnvironment)) if (env[name]) parameters[key] = env[name]
  if (service) Object.assign(parameters, parametersOfService(service, env))
  // hostaddr from the environment belongs to the host in the environment, not to the host in the URL.
  if (given.host && !given.hostaddr) delete parameters.hostaddr
  Object.assign(parameters, given)
  // Ignoring a misspelt sslmode or a revocation list would make the connection less secure than requested.
  const unknown = Object.keys(parameters).find((key) => key.startsWith('ssl') && !tlsParameters.has(key))
  if (unknown !== undefined)
    throw usageError('TLS', `The connection parameter ${unknown} is not supported.`, [
      `Supported are ${[...tlsParameters].join(', ')}.`,
    ])
  parameters.host ??= parameters.hostaddr ?? localServer(parameters.port ?? '5432')
  return parameters
}

/** The default host, as in libpq: the directory of the Unix socket, or localhost if there is no socket. */
export function localServer(port: string): string {
  return (
    ['/var/run/postgresql', '/tmp'].find((directory) => existsSync(join(directory, `.s.PGSQL.${port}`))) ?? 'localhost'
  )
}

function parametersOfUrl(url: string): Parameters {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw usageError('BAD_URL', `"${withoutUser(url)}" is not a database URL.`, [
      'Write postgres://role@host:5432/database or embedded:<directory>.',
    ])
  refuseUnencoded(url)
  // tls.ts handles the TLS parameters as libpq does; the URL parser would open files and print warnings.
  const tls: Parameters = {}
  let plain = url
  const at = url.indexOf('?')
  if (at >= 0) {
    const query = new URLSearchParams(url.slice(at + 1))
    for (const key of [...query.keys()]) {
      if (!key.startsWith('ssl')) continue
      tls[key] = query.get(key)!
      query.delete(key)
    }
    plain = query.size > 0 ? `${url.slice(0, at)}?${query}` : url.slice(0, at)
  }
  const hosts = hostList(plain)
  let parsed: Record<string, unknown>
  try {
    if (hosts !== null) plain = hosts.url
    // The parser does not decode %2F and similar in the database name; libpq does.
    const [, name] = /^\w+:\/\/[^/?]*\/([^?]+)/.exec(plain) ?? []
    parsed = {...parseUrl(plain), database: name === undefined ? undefined : decodeURIComponent(name)}
  } catch (error) {
    throw usageError('BAD_URL', `"${redact(url)}" is not a database URL: ${redact(messageOf(error))}.`, [encodeHint])
  }
  const {database, ...rest} = parsed
  const parameters: Parameters = {...tls}
  for (const [key, value] of Object.entries({dbname: database, ...rest})) if (value) parameters[key] = String(value)
  if (hosts !== null) {
    const query = new URLSearchParams(plain.slice(plain.indexOf('?') + 1))
    if (!query.has('host')) parameters.host = hosts.host
    if (!query.has('port') && hosts.port !== null) parameters.port = hosts.port
  }
  if (parameters.port?.split(',').some((port) => !/^\d{0,5}$/.test(port) || Number(port) > 65_535))
    throw usageError('BAD_URL', `"${redact(url)}" has no valid port.`, ['A port is a number up to 65535.'])
  return parameters
}

/**
 * Takes a list of hosts out of a URL, because the URL parser does not support it. Null if there is at most one host.
 * @returns host and port as libpq's lists; a host without a port has an empty item; port is null if no host has one
 */
function hostList(url: string): {url: string; host: string; port: string | null} | null {
  const [, before = '', list = '', after = ''] = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#]*)([\s\S]*)$/.exec(url) ?? []
  if (!list.includes(',')) return null
  const hosts = list.split(',').map((item) => {
    const [, ip6, name, port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(item) ?? [null, null, item]
    return {host: ip6 ?? decodeURIComponent(name ?? ''), port}
  })
  const ports = hosts.map(({port}) => port)
  return {
    url: `${before}localhost${after}`,
    host: hosts.map(({host}) => host).join(','),
    port: ports.every((port) => port === '') ? null : ports.join(','),
  }
}

/** For text that is not a URL: a password ends at the last @, but its start is unknown, so all before it is hidden. */
function withoutUser(text: string): string {
  const at = text.lastIndexOf('@')
  return at < 0 ? redact(text) : `***${text.slice(at)}`
}

/** An unencoded / ? or # in a password changes how the URL is split: a part of the password would become the host. */
function refuseUnencoded(url: string): void {
  const rest = url.replace(/^\w+:\/\/[^/?#]*/, '')
  if (/[@#]/.test(rest))
    throw usageError(
      'BAD_URL',
      `"${redact(url)}" is not a database URL: it contains a special character that is not percent-encoded.`,
      [encodeHint],
    )
}

function parametersOfService(service: string, env: Environment): Parameters {
  const files = [
    env.PGSERVICEFILE ?? join(env.HOME ?? homedir(), '.pg_service.conf'),
    ...(env.PGSYSCONFDIR
      ? [join(env.PGSYSCONFDIR, 'pg_service.conf')]
      : ['/etc/postgresql-common/pg_service.conf', '/etc/pg_service.conf']),
  ]
  for (const file of files) {
    if (!existsSync(file)) continue
    const sections = parseIni(plainIni(readFileSync(file, 'utf8')))
    const section = sections[service] as Record<string, unknown> | undefined
    if (section && typeof section === 'object')
      return Object.fromEntries(Object.entries(section).map(([key, value]) => [key, String(value)]))
  }
  throw usageError('NO_SERVICE', `There is no service "${service}" in ${files.join(' or ')}.`, [
    'Use PGSERVICEFILE for another file.',
  ])
}

/**
 * Escapes a service file for the ini parser. A service file is simpler: a dot in a section name does not nest, and a
 * value is the text after the =, including quotes, semicolons and the word `true`.
 */
function plainIni(text: string): string {
  return text
    .replace(/^\[(.*)\]/gm, (_, name: string) => `[${name.replaceAll('.', '\\.')}]`)
    .replace(/^\s*(\w+)\s*=(.*)$/gm, (_, key: string, value: string) => `${key}=${JSON.stringify(value.trim())}`)
}
