import type {Socket} from 'node:net'
import {OpsError} from '../errors.js'
import type {Target} from './database.js'
import type {SessionAttributes} from './hosts.js'
import {toOpsError, OwnCode, retryableOf, serverMessage, sqlState} from './sqlstate.js'

/** Why one host of an address gave no session. */
export interface HostFailure {
  host: string
  port: string
  error: unknown
}

interface Attempted {
  /** Milliseconds that each host had. */
  timeout: number
  wanted: SessionAttributes
  /** Hosts that were not tried, because the one before them refused the role or the password. */
  untried: number
}

/**
 * The failure of a connection as the operator reads it: what each host said. The `cause` keeps the code that decisions
 * go by: the one that ended the search, else that of the last host.
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
  const asked = isMismatch ? `, which asks for target_session_attrs=${wanted}` : ''
  if (more.length === 0 && untried === 0)
    return `Cannot connect to ${where(only!)} (from ${target.source}${asked}): ${connectMessage(only!.error)}`
  const messages = failures.map((failure) => `${where(failure)}: ${connectMessage(failure.error)}`)
  const rest =
    untried === 0
      ? ''
      : `; ${untried} more not tried: a refused role, password, database or certificate ends the search`
  return `Cannot connect to any of ${failures.length + untried} hosts (from ${target.source}${asked}): ${messages.join('; ')}${rest}`
}

function connectMessage(error: unknown): string {
  return (error as {errors?: unknown[]}).errors?.map(serverMessage).join(', ') ?? serverMessage(error)
}

/** Whether a failed connection fails again however often it is tried, until an operator changes something. */
export function isPermanent(error: OpsError): boolean {
  if (error.code === 'CONNECT') return isPermanentState(error.cause)
  // What was asked first of a new connection may fail for a moment, too.
  return !['CONNECTION_LOST', 'TIMEOUT', 'LOCKED'].includes(error.code)
}

/** Whether what one host refused is refused by every host: the role, the password, the database. */
export function isPermanentState(error: unknown): boolean {
  return retryableOf(error) === false
}

/**
 * Gives a failure of node-postgres while connecting the code that it has none of.
 * @param ended the connection was closed before it was made
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

/** TLS was agreed on and its handshake is over. */
function isEncrypted(stream: Socket): boolean {
  const {encrypted, secureConnecting} = stream as Socket & {encrypted?: boolean; secureConnecting?: boolean}
  return encrypted === true && secureConnecting === false
}

/** Neither the server nor the network refused: those have codes of their own. */
function isTlsError({code}: {code?: string}): boolean {
  if (code === undefined) return true
  return !/^(E[A-Z]+|[0-9A-Z]{5})$/.test(code) || code === 'EPROTO'
}

function suggestionsFor(error: unknown, timeout: number): string[] {
  switch (sqlState(error)) {
    case 'ETIMEDOUT':
      return [`Nothing answered within ${timeout / 1000} s: check the host, the port and any firewall.`]
    case OwnCode.badPassword:
      return ['Set PGPASSWORD or a PGPASSFILE with the right password.']
    case OwnCode.badTls:
      return ['See sslmode and sslrootcert of the URL.']
    case OwnCode.otherSession:
      return [
        'During a failover: try again. Otherwise add the host that is so, or leave target_session_attrs out: then any host that answers is taken.',
      ]
    default: {
      const [first] = (error as {errors?: unknown[]}).errors ?? []
      return first ? [...toOpsError(first, 'connect').suggestions] : ['Is the server up, and is this its port?']
    }
  }
}
