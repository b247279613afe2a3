import type {Socket} from 'node:net'
import {OpsError} from '../errors.js'
import type {Target} from './database.js'
import type {SessionAttributes} from './hosts.js'
import {toOpsError, OwnCode, retryableOf, serverMessage, sqlState} from './sqlstate.js'

/** Why connecting to one host failed. */
export interface HostFailure {
  host: string
  port: string
  error: unknown
}

interface Attempted {
  /** The timeout for each host, in milliseconds. */
  timeout: number
  wanted: SessionAttributes
  /** Number of hosts not tried, because an earlier one refused the role or the password. */
  untried: number
}

/**
 * The error of a failed connection, with the message of each host. Its `cause` is the error that ended the search, or
 * that of the last host; programs decide by its code.
 */
export function cannotConnect(failures: readonly HostFailure[], target: Target, attempted: Attempted): OpsError {
  const {error} = failures.at(-1)!
  const known = toOpsError(error, 'connect')
  return new OpsError('CONNECT', messageFor(failures, target, attempted), {
    exit: 4,
    suggestions:
      known.suggestions.length > 0 && known.code !== 'FAILED'
        ? known.suggestions
        : suggestionsFor(error, attempted.timeout),
    retryable: retryableOf(error),
    cause: error,
  })
}

function messageFor(failures: readonly HostFailure[], target: Target, {wanted, untried}: Attempted): string {
  const where = ({host, port}: HostFailure) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
  const [only, ...more] = failures
  const isMismatch = failures.some(({error}) => sqlState(error) === OwnCode.otherSession)
  const asked = isMismatch ? `, with target_session_attrs=${wanted}` : ''
  if (more.length === 0 && untried === 0)
    return `Cannot connect to ${where(only!)} (from ${target.source}${asked}): ${connectMessage(only!.error)}`
  const messages = failures.map((failure) => `${where(failure)}: ${connectMessage(failure.error)}`)
  const rest =
    untried === 0
      ? ''
      : `; ${untried} more not tried, because a refused role, password, database or certificate ends the search`
  return (
    `Cannot connect to any of ${failures.length + untried} hosts (from ${target.source}${asked}): ` +
    `${messages.join('; ')}${rest}`
  )
}

function connectMessage(error: unknown): string {
  return (error as {errors?: unknown[]}).errors?.map(serverMessage).join(', ') ?? serverMessage(error)
}

/** Whether connecting fails again until an operator changes something. */
export function isPermanent(error: OpsError): boolean {
  if (error.code === 'CONNECT') return isPermanentState(error.cause)
  // The first queries of a new connection can also fail temporarily.
  return !['CONNECTION_LOST', 'TIMEOUT', 'LOCKED'].includes(error.code)
}

/** Whether every host would refuse for the same reason: the role, the password, the database, the certificate. */
export function isPermanentState(error: unknown): boolean {
  return retryableOf(error) === false
}

/**
 * Adds a code to an error of node-postgres during connecting, if it has none.
 * @param ended the connection was closed before the session was ready
 */
export function codedConnectError(
  error: unknown,
  stream: Socket,
  {tls, ended}: {tls: boolean; ended: boolean},
): unknown {
  if (!(error instanceof Error)) return error
  const coded = error as Error & {code?: string}
  if (coded.code === undefined && ended) coded.code = OwnCode.connectionLost
  else if (tls && !isEncrypted(stream) && isTlsError(coded)) coded.code = OwnCode.badTls
  else coded.code ??= OwnCode.badPassword
  return coded
}

/** Whether the TLS handshake is complete. */
function isEncrypted(stream: Socket): boolean {
  const {encrypted, secureConnecting} = stream as Socket & {encrypted?: boolean; secureConnecting?: boolean}
  return encrypted === true && secureConnecting === false
}

/** Whether the error comes from TLS: errors of the network (errno) and of the server (SQLSTATE) have known codes. */
function isTlsError({code}: {code?: string}): boolean {
  if (code === undefined) return true
  return !/^(E[A-Z]+|[0-9A-Z]{5})$/.test(code) || code === 'EPROTO'
}

function suggestionsFor(error: unknown, timeout: number): string[] {
  switch (sqlState(error)) {
    case 'ETIMEDOUT':
      return [`No response within ${timeout / 1000} s: check the host, the port and any firewall.`]
    case OwnCode.badPassword:
      return ['Set PGPASSWORD, or use a PGPASSFILE with the correct password.']
    case OwnCode.badTls:
      return ['Check sslmode and sslrootcert in the URL.']
    case OwnCode.otherSession:
      return [
        'During a failover: try again. Otherwise add a host that matches, or remove target_session_attrs to ' +
          'accept any host.',
      ]
    default: {
      const [first] = (error as {errors?: unknown[]}).errors ?? []
      return first ? [...toOpsError(first, 'connect').suggestions] : ['Check that the server is running on this port.']
    }
  }
}
