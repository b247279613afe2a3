import {ExitCode, OpsError, type OpsErrorOptions} from '../errors.js'
import {redact} from './redact.js'

/** SQLSTATE codes by name, so that no other file compares literal codes. */
export const SqlState = {
  lockNotAvailable: '55P03',
  deadlock: '40P01',
  serialization: '40001',
  canceled: '57014',
  readOnly: '25006',
  noPrivilege: '42501',
  internalError: 'XX000',
  notLoaded: '55000',
  undefinedTable: '42P01',
  undefinedFunction: '42883',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  featureNotSupported: '0A000',
  inFailedTransaction: '25P02',
  noTransaction: '25P01',
  invalidCursor: '24000',
  undefinedFile: '58P01',
  invalidParameter: '22023',
  divisionByZero: '22012',
  badEncoding: '22021',
  untranslatable: '22P05',
} as const

/** Errors to retry after a pause: another session was in conflict, and nothing was changed. */
export const retryable: ReadonlySet<string> = new Set([
  SqlState.lockNotAvailable,
  SqlState.deadlock,
  SqlState.serialization,
])

/** Codes for errors without a code, added where they occur. */
export const OwnCode = {
  /** The connection was lost or closed, by either side. */
  connectionLost: 'CONNECTION_LOST',
  /** Connecting failed without a code from the server or the network: the password authentication failed. */
  badPassword: 'BAD_PASSWORD',
  badTls: 'BAD_TLS',
  /** The session was opened but does not match target_session_attrs. */
  otherSession: 'OTHER_SESSION',
} as const

const ownCodes: ReadonlySet<string> = new Set(Object.values(OwnCode))

/** Codes of a lost connection. A statement that was running may or may not have taken effect. */
const connectionLost: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08001',
  '08003',
  '08006',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  OwnCode.connectionLost,
])

/** Further codes of temporary errors, in addition to {@link retryable} and {@link connectionLost}. */
const transient: ReadonlySet<string> = new Set([
  '53000',
  '53200',
  '53300',
  '55006',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/**
 * SQLSTATE classes of errors that recur until something is changed: unsupported features, data, constraints,
 * authorization, names, syntax and privileges.
 */
const permanentClasses: ReadonlySet<string> = new Set(['0A', '22', '23', '28', '3D', '3F', '42', '44'])
const permanentCodes: ReadonlySet<string> = new Set([SqlState.readOnly, OwnCode.badPassword, OwnCode.badTls])

/** Whether the same operation may succeed later without any change, by the error code; null if unknown. */
export function retryableOf(error: unknown): boolean | null {
  if (error instanceof OpsError) return error.retryable
  const state = sqlState(error)
  if (state === undefined) return null
  if (retryable.has(state) || connectionLost.has(state) || transient.has(state)) return true
  const isClass = /^[0-9A-Z]{5}$/.test(state) && permanentClasses.has(state.slice(0, 2))
  return isClass || permanentCodes.has(state) ? false : null
}

interface ServerError extends Error {
  code?: string
  detail?: string
  hint?: string
  position?: string
  where?: string
  /** The C function that raised it. */
  routine?: string
}

export function sqlState(error: unknown): string | undefined {
  const code = (error as ServerError | null)?.code
  return typeof code === 'string' ? code : undefined
}

/**
 * Whether row level security would hide rows from the statement, which our sessions make an error. It has the SQLSTATE
 * of a missing privilege, and another cure.
 */
export function isRowSecurity(error: unknown): boolean {
  return sqlState(error) === SqlState.noPrivilege && (error as ServerError).routine === 'check_enable_rls'
}

/** Follows an error for which {@link isRowSecurity} holds. */
export const rowSecurityAdvice =
  'a superuser can give BYPASSRLS to the role that reads, which for a refresh is the owner of the aggregate'

/** The statements that the server refused because the role lacks a privilege: the error does not have the object's type. */
const refusedStatements = new WeakMap<object, string>()

export function noteRefused(error: unknown, text: string | undefined): void {
  if (text !== undefined && isNoPrivilege(error)) refusedStatements.set(error as object, text)
}

/** The statement of an error for which {@link isNoPrivilege} holds; null if unknown. */
export function refusedStatement(error: unknown): string | null {
  return isNoPrivilege(error) ? (refusedStatements.get(error as object) ?? null) : null
}

/** Whether the role lacks a privilege on the object of the statement. */
export function isNoPrivilege(error: unknown): boolean {
  return sqlState(error) === SqlState.noPrivilege && !isRowSecurity(error)
}

export function isConnectionLost(error: unknown): boolean {
  return hasLostCode(error) && !nodesLost.has(error as object)
}

/** Follows an error for which {@link isNodeLost} holds. */
export const unreachableAdvice =
  'It is a node of Citus (select * from citus_check_cluster_node_health()) or the server of a foreign table ' +
  '(select srvname, srvoptions from pg_foreign_server).'

/** Errors that a server raised about its own connection to another server, as Citus and postgres_fdw do. */
const nodesLost = new WeakSet<object>()

/**
 * Call it with an error after which the session still answered: if its code is that of a lost connection, the lost one
 * was that of the server to another one: a node of Citus, or the server of a foreign table.
 */
export function answeredAfter(error: unknown): void {
  if (hasLostCode(error)) nodesLost.add(error as object)
}

/** Whether the server could not reach another server, and this session is in order. */
export function isNodeLost(error: unknown): boolean {
  return typeof error === 'object' && error !== null && nodesLost.has(error)
}

function hasLostCode(error: unknown): boolean {
  const {code} = (error ?? {}) as ServerError
  return code !== undefined && connectionLost.has(code)
}

const causes: Record<string, {code: string; exit?: ExitCode; suggestions?: readonly string[]}> = {
  [SqlState.noPrivilege]: {
    code: 'NO_PRIVILEGE',
    suggestions: ['Connect as the owner of the table, or name it as `role` of the target.'],
  },
  [SqlState.readOnly]: {code: 'READ_ONLY', exit: ExitCode.usage, suggestions: ['Connect to the primary.']},
  [SqlState.lockNotAvailable]: {
    code: 'LOCKED',
    exit: ExitCode.lockHeld,
    // The wait has ended and is no longer visible, but its blocker usually still holds the lock.
    suggestions: [
      'Which sessions hold locks: ' +
        `\`select pid, relation::regclass, mode from pg_locks where granted and mode like '%ExclusiveLock'\``,
      'Then run it again.',
    ],
  },
  [SqlState.canceled]: {
    code: 'TIMEOUT',
    suggestions: [
      'It exceeded the statement timeout or was cancelled by another session: try again, or limit it to one table.',
    ],
  },
  [SqlState.undefinedFunction]: {
    code: 'NO_FUNCTION',
    suggestions: ['Is the timescaledb extension of this database older than 2.15?'],
  },
  [SqlState.untranslatable]: {
    code: 'ENCODING',
    exit: ExitCode.usage,
    suggestions: ['The encoding of this database has no such character: correct the name or value.'],
  },
  '53300': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['The server has no free connection slots: raise max_connections or close connections.'],
  },
  '3D000': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Use an existing database: psql -l lists them.'],
  },
  '28P01': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Set PGPASSWORD, or use a PGPASSFILE with the correct password.'],
  },
  '28000': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Check the role, and whether pg_hba.conf on the server allows it to connect from this address.'],
  },
  ENOTFOUND: {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['The host name does not exist: check the URL or PGHOST.'],
  },
  EAI_AGAIN: {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['The host name could not be resolved: check the URL and DNS.'],
  },
  ECONNREFUSED: {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Check that the server is running on this port.'],
  },
  ENOENT: {code: 'CONNECT', exit: ExitCode.cannotConnect, suggestions: ['No server listens on that Unix socket.']},
}

/**
 * Converts an error of the driver or the server into an OpsError with advice. An OpsError is returned unchanged; an
 * unknown error becomes FAILED with the server's message.
 * @param doing what failed and on which object, as a clause: `read public.ohlcv_data`
 */
export function toOpsError(error: unknown, doing: string): OpsError {
  if (error instanceof OpsError) return error
  const state = sqlState(error)
  const known = hiddenOf(error) ?? ((state && causes[state]) || lossOf(error))
  const options: OpsErrorOptions = {
    exit: known?.exit ?? ExitCode.failed,
    retryable: retryableOf(error),
    suggestions: [...hints(error), ...(known?.suggestions ?? [])],
  }
  return new OpsError(known?.code ?? 'FAILED', `Cannot ${doing}: ${serverMessage(error)}`, options)
}

function hiddenOf(error: unknown): (typeof causes)[string] | undefined {
  return isRowSecurity(error)
    ? {code: 'ROW_SECURITY', suggestions: [`Row level security would hide rows: ${rowSecurityAdvice}`]}
    : undefined
}

function lossOf(error: unknown): (typeof causes)[string] | undefined {
  if (isNodeLost(error))
    return {
      code: 'NODE_UNREACHABLE',
      suggestions: [unreachableAdvice],
    }
  return isConnectionLost(error) ? {code: 'CONNECTION_LOST', exit: ExitCode.cannotConnect} : undefined
}

/** The server's message with its detail, if any, and SQLSTATE. Passwords are hidden. */
export function serverMessage(error: unknown): string {
  const {message, detail, code} = (error ?? {}) as ServerError
  const words = redact(message || String(error))
  return [words, detail && `(${redact(detail)})`, code && !ownCodes.has(code) && `[${code}]`].filter(Boolean).join(' ')
}

function hints(error: unknown): string[] {
  const {hint} = (error ?? {}) as ServerError
  return hint ? [`The server says: ${redact(hint)}`] : []
}
