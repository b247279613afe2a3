/** Opens a session on a server, or on one of several hosts in the connection URL. */
import {userInfo} from 'node:os'
import type {ClientConfig} from 'pg'
import {endClient, newClient, noAnswer, reportedSettings, wireOf, type Client} from './client.js'
import {cannotConnect, codedConnectError, isPermanentState, type HostFailure} from './connect-error.js'
import type {ConnectOptions, Target} from './database.js'
import {hostsOf, mismatch, wantedAttributes, type SessionState} from './hosts.js'
import {connectionParameters, connectTimeoutOf, type Parameters} from './libpq.js'
import {loadSql} from './load-sql.js'
import {OwnCode, sqlState} from './sqlstate.js'
import {tlsAttempts, type TlsAttempt} from './tls.js'

/** Milliseconds of idle time before the first TCP keepalive probe; a dead peer is detected after about ten probes. */
const keepAliveDelay = 10_000

export interface ServerSession {
  client: Client
  /** The index of the host in the list of hosts. */
  host: number
}

/**
 * Tries the hosts in order until a session matches target_session_attrs; with prefer-standby any session, if there is
 * no standby. As in libpq, no further host is tried after one that refuses the role or the password.
 * @param startup server options, appended to those of the URL
 * @throws OpsError CONNECT with the error of each host; BAD_URL, TLS
 */
export async function connectServer(target: Target, options: ConnectOptions, startup = ''): Promise<ServerSession> {
  const given: Parameters = {
    ...connectionParameters(target.url, process.env),
    ...(target.database !== undefined && {dbname: target.database}),
  }
  const parameters = startup === '' ? given : {...given, options: `${given.options ?? ''} ${startup}`}
  const wanted = wantedAttributes(parameters)
  const hosts = hostsOf(parameters)
    .filter(({index}) => target.host === undefined || index === target.host)
    .map(({index, parameters: host}) => ({index, host, attempts: tlsAttempts(host, process.env)}))
  const timeout = connectTimeoutOf(parameters)
  const asks = wanted !== 'any' && target.host === undefined
  const failures: HostFailure[] = []
  let spare: ServerSession | null = null
  for (const {index, host, attempts} of hosts) {
    const failed = (error: unknown) => failures.push({host: host.host!, port: host.port!, error})
    try {
      const {client, state} = await connectHost(host, attempts, options, {timeout, asks})
      const session = {client, host: index}
      const reason = state === null ? null : mismatch(wanted, state)
      if (reason === null) {
        if (spare !== null) await endClient(spare.client)
        return session
      }
      failed(Object.assign(new Error(reason), {code: OwnCode.otherSession}))
      if (wanted === 'prefer-standby' && spare === null) spare = session
      else await endClient(client)
    } catch (error) {
      failed(error)
      if (isPermanentState(error)) break
    }
  }
  if (spare !== null) return spare
  throw cannotConnect(failures, target, {timeout, wanted, untried: hosts.length - failures.length})
}

interface AttemptOptions {
  /** Milliseconds; 0 means no timeout. */
  timeout: number
  /** Whether to determine if the server is a standby or read-only. */
  asks: boolean
}

/**
 * Connects with or without TLS, as sslmode allows. The next attempt is made only if the server refused the previous.
 */
async function connectHost(
  parameters: Parameters,
  attempts: readonly TlsAttempt[],
  options: ConnectOptions,
  how: AttemptOptions,
): Promise<{client: Client; state: SessionState | null}> {
  for (const [index, ssl] of attempts.entries()) {
    try {
      return await attempt(parameters, ssl, options, how)
    } catch (error) {
      const tlsRefused = sqlState(error) === '28000' || sqlState(error) === OwnCode.badTls
      if (index === attempts.length - 1 || !tlsRefused) throw error
    }
  }
  throw new Error('sslmode allows no connection attempt')
}

async function attempt(
  parameters: Parameters,
  ssl: TlsAttempt,
  options: ConnectOptions,
  {timeout, asks}: AttemptOptions,
): Promise<{client: Client; state: SessionState | null}> {
  const client = newClient({...clientConfig(parameters), application_name: options.applicationName, ssl})
  // Without a listener, a connection lost while idle would end the process.
  client.on('error', () => {})
  const reported = reportedSettings(client)
  const {stream} = wireOf(client)
  const deadline =
    timeout === 0 ? undefined : setTimeout(() => stream.destroy(noAnswer(`within ${timeout / 1000} s`)), timeout)
  try {
    await client.connect()
    return {client, state: asks ? await sessionState(client, reported) : null}
  } catch (error) {
    const {stream: last} = wireOf(client)
    const coded = codedConnectError(error, last, {tls: ssl !== false, ended: last.destroyed})
    await endClient(client)
    throw coded
  } finally {
    clearTimeout(deadline)
  }
}

/** From the settings that the server reported by itself, or else from a query. */
async function sessionState(client: Client, reported: ReadonlyMap<string, string>): Promise<SessionState> {
  const standby = reported.get('in_hot_standby')
  const readOnly = reported.get('default_transaction_read_only')
  if (standby !== undefined && readOnly !== undefined)
    return {inRecovery: standby === 'on', readOnly: standby === 'on' || readOnly === 'on'}
  const {rows} = await client.query<SessionState>(loadSql('db/session-state'))
  return rows[0]!
}

function clientConfig(parameters: Parameters): ClientConfig {
  const host = parameters.host!
  const port = Number(parameters.port)
  const user = parameters.user ?? userInfo().username
  const database = parameters.dbname ?? user
  return {
    host: parameters.hostaddr ?? host,
    port,
    user,
    database,
    password: parameters.password ?? (() => fromPassFile({host, port, user, database})),
    ...(parameters.options && {options: parameters.options}),
    ...(parameters.sslnegotiation === 'direct' && {sslnegotiation: 'direct'}),
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelay,
  } as ClientConfig
}

/** Called only if the server requests a password. The file uses `localhost` for the Unix socket. */
async function fromPassFile(wanted: {
  host: string
  port: number
  user: string
  database: string
}): Promise<string | undefined> {
  const {default: pgpass} = await import('pgpass')
  const host = wanted.host.startsWith('/') ? 'localhost' : wanted.host
  return new Promise((resolve) => pgpass({...wanted, host}, resolve))
}
