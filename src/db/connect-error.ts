import type {Socket} from 'node:net'
import {OpsError} from '../errors.js'
import type {Target} from './database.js'
import type {Parameters} from './libpq.js'
import {toOpsError, OwnCode, serverMessage, sqlState} from './sqlstate.js'

/** Mistakes that waiting does not mend: a wrong password or role, a database that is not there, one that lets nobody in. */
const permanent: ReadonlySet<string> = new Set([
  '28P01',
  '28000',
  '3D000',
  '42501',
  OwnCode.badPassword,
  OwnCode.badTls,
])

/** The failure of a connection as the operator reads it; its `cause` keeps the code that decisions go by. */
export function cannotConnect(error: unknown, parameters: Parameters, target: Target, timeout: number): OpsError {
  const where = `${parameters.host}:${parameters.port ?? 5432}`
  const known = toOpsError(error, 'connect')
  const said = (error as {errors?: unknown[]}).errors?.map(serverMessage).join('; ') ?? serverMessage(error)
  return new OpsError('CONNECT', `Cannot connect to ${where} (from ${target.source}): ${said}`, {
    exit: 4,
    suggestions:
      known.suggestions.length > 0 && known.code !== 'FAILED' ? known.suggestions : suggestionsFor(error, timeout),
    cause: error,
  })
}

/** Whether a failed connection fails again however often it is tried, until an operator changes something. */
export function isPermanent(error: OpsError): boolean {
  if (error.code === 'CONNECT') return permanent.has(sqlState(error.cause) ?? '')
  // What was asked first of a new connection may fail for a moment, too.
  return !['CONNECTION_LOST', 'TIMEOUT', 'LOCKED'].includes(error.code)
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
    default: {
      const [first] = (error as {errors?: unknown[]}).errors ?? []
      return first ? [...toOpsError(first, 'connect').suggestions] : ['Is the server up, and is this its port?']
    }
  }
}
