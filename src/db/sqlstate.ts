import {ExitCode, OpsError, type OpsErrorOptions} from '../errors.js'
import {redact} from './redact.js'

/** Named so that no five characters are compared anywhere else. */
export const SqlState = {
  lockNotAvailable: '55P03',
  deadlock: '40P01',
  serialization: '40001',
  canceled: '57014',
  readOnly: '25006',
  noPrivilege: '42501',
  notLoaded: '55000',
  undefinedTable: '42P01',
  undefinedFunction: '42883',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  featureNotSupported: '0A000',
  inFailedTransaction: '25P02',
  noTransaction: '25P01',
  undefinedFile: '58P01',
  invalidParameter: '22023',
  divisionByZero: '22012',
  badEncoding: '22021',
  untranslatable: '22P05',
} as const

/** Worth another try after a pause: another session was in the way, and nothing was done. */
export const retryable: ReadonlySet<string> = new Set([
  SqlState.lockNotAvailable,
  SqlState.deadlock,
  SqlState.serialization,
])

/** Codes of failures that have none of their own, given to them where they happen. */
export const OwnCode = {
  /** The connection is gone, whichever side ended it. */
  connectionLost: 'CONNECTION_LOST',
  /** No connection, and no code of the server or the network either: the exchange about the password failed. */
  badPassword: 'BAD_PASSWORD',
  badTls: 'BAD_TLS',
  /** The server took the session, and it is not as target_session_attrs asks. */
  otherSession: 'OTHER_SESSION',
} as const

const ownCodes: ReadonlySet<string> = new Set(Object.values(OwnCode))

/** The connection is gone; what it was doing may or may not have been done. */
const connectionLost: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  OwnCode.connectionLost,
])

/** Causes that pass by themselves, beside {@link retryable} and {@link connectionLost}. */
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
 * Classes of SQLSTATE that fail the same way until a person changes something: not supported, data, constraints,
 * authorisation, names, syntax and privileges.
 */
const permanentClasses: ReadonlySet<string> = new Set(['0A', '22', '23', '28', '3D', '3F', '42', '44'])
const permanentCodes: ReadonlySet<string> = new Set([SqlState.readOnly, OwnCode.badPassword, OwnCode.badTls])

/** Whether what failed may succeed later with nothing changed, by its code alone. */
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
}

export function sqlState(error: unknown): string | undefined {
  const code = (error as ServerError | null)?.code
  return typeof code === 'string' ? code : undefined
}

export function isConnectionLost(error: unknown): boolean {
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
    // Of the wait itself nothing is left to see; the holder is still there.
    suggestions: [
      "Which sessions hold locks: `select pid, relation::regclass, mode from pg_locks where granted and mode like '%ExclusiveLock'`",
      'Then run it again.',
    ],
  },
  [SqlState.canceled]: {
    code: 'TIMEOUT',
    suggestions: [
      'It exceeded its time limit, or it was cancelled by another session: try again, or narrow it to one table.',
    ],
  },
  [SqlState.undefinedFunction]: {
    code: 'NO_FUNCTION',
    suggestions: ['Is the timescaledb extension of this database older than 2.15?'],
  },
  '53300': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['The server has no connection left: raise max_connections or close some.'],
  },
  '3D000': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Name a database that exists: psql -l lists them.'],
  },
  '28P01': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Set PGPASSWORD or a PGPASSFILE with the right password.'],
  },
  '28000': {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Is it the right role? If it is: pg_hba.conf on the server says who may connect from this address.'],
  },
  ENOTFOUND: {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['There is no host of that name: check the URL or PGHOST.'],
  },
  EAI_AGAIN: {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['The name could not be resolved just now: check the URL, or DNS.'],
  },
  ECONNREFUSED: {
    code: 'CONNECT',
    exit: ExitCode.cannotConnect,
    suggestions: ['Is the server up, and is this its port?'],
  },
  ENOENT: {code: 'CONNECT', exit: ExitCode.cannotConnect, suggestions: ['There is no server behind that Unix socket.']},
}

/**
 * What a driver or server error means to an operator. An OpsError passes as it is; what is not known becomes
 * FAILED with the server's own words.
 * @param doing what failed and on which object, as a clause: `read public.ohlcv_data`
 */
export function toOpsError(error: unknown, doing: string): OpsError {
  if (error instanceof OpsError) return error
  const state = sqlState(error)
  const known =
    (state && causes[state]) ||
    (isConnectionLost(error) ? {code: 'CONNECTION_LOST', exit: ExitCode.cannotConnect} : undefined)
  const options: OpsErrorOptions = {
    exit: known?.exit ?? ExitCode.failed,
    retryable: retryableOf(error),
    suggestions: [...hints(error), ...(known?.suggestions ?? [])],
  }
  return new OpsError(known?.code ?? 'FAILED', `Cannot ${doing}: ${serverMessage(error)}`, options)
}

/** The server's message with its SQLSTATE, and the detail where there is one. */
export function serverMessage(error: unknown): string {
  const {message, detail, code} = (error ?? {}) as ServerError
  const words = redact(message || String(error))
  return [words, detail && `(${redact(detail)})`, code && !ownCodes.has(code) && `[${code}]`].filter(Boolean).join(' ')
}

function hints(error: unknown): string[] {
  const {hint} = (error ?? {}) as ServerError
  return hint ? [`The server says: ${redact(hint)}`] : []
}
