import type {Writable} from 'node:stream'
import type {ClientConfig} from 'pg'
import type {TransactionSettings} from './database.js'
import type {Answer, Flight} from './flight.js'
import {workerSettings} from './citus-settings.js'
import {ExitCode, OpsError} from '../errors.js'
import type {Settings} from './session-corrections.js'
import {quoteIdent, quoteLiteral, type Statement} from './sql.js'
import {serverMessage, sqlState, SqlState} from './sqlstate.js'

/** A node-postgres client in pipeline mode, which sends each query at once. `connection` is not in its declarations. */
export interface Pipeline {
  query(question: {text: string; values?: unknown[]; name?: string}): Promise<Answer | Answer[]>
  query(flight: Flight): unknown
  readonly connection: {readonly stream: Writable}
}

export interface Session {
  client: Pipeline
  applicationName: string
  /**
   * Called if the server warns that a COMMIT, ROLLBACK or SET LOCAL ran outside a transaction. Each transaction that is
   * not over has one: many reading transactions are sent behind each other.
   */
  onNoTransaction: Set<() => void>
  /** Whether the session may keep prepared statements. */
  prepares: boolean
  /** Gives a statement the form that the encoding of the database has. */
  encode: (statement: Statement) => Statement
  /** Parsers for values of the server. */
  types: NonNullable<ClientConfig['types']>
  /**
   * Closes the connection if the server has not responded for this many seconds; null if the engine does not enforce
   * statement_timeout.
   */
  giveUp: ((seconds: number) => void) | null
  /** Adds the code for a lost connection to an error that has none. */
  mark(error: unknown): void
  /** Settings that every transaction needs in this database for correct results. */
  corrections: Settings
  /** Whether a transaction may use sessions on workers of Citus, which need its lock_timeout too. */
  workers: boolean
}

/** Statements outside a transaction have no BEGIN that states these. */
const defaultsOfBegin: Settings = [
  ['default_transaction_isolation', 'read committed'],
  ['default_transaction_read_only', 'off'],
]

/** The same settings as in {@link inTransaction}, set for the session: for statements outside a transaction. */
export function sessionSettings(settings: TransactionSettings, applicationName: string, corrections: Settings): string {
  const role = settings.role ? `; set role ${quoteIdent(settings.role)}` : ''
  return `select ${set(settings, applicationName, [...corrections, ...defaultsOfBegin], false)}${role}`
}

/** The codes of the server for a role that does not exist or may not be set. */
export const roleStates: readonly (string | undefined)[] = [
  SqlState.undefinedObject,
  SqlState.invalidParameter,
  SqlState.noPrivilege,
]

/** The error for a target's role that does not exist, or of which the login role is not a member. */
export function roleError(role: string, error: unknown): unknown {
  if (!roleStates.includes(sqlState(error))) return error
  return new OpsError('NO_ROLE', `The target's role cannot be used: ${serverMessage(error)}`, {
    exit: ExitCode.usage,
    cause: error,
    suggestions: [
      `Correct the role ${role} where it is named (--role, QICORE_ROLE or \`role\` of the target), or grant it to ` +
        'the login role.',
    ],
  })
}

/**
 * BEGIN and the settings, the first statements of a flight. If BEGIN fails, as `begin read write` does on a replica,
 * the server skips the rest.
 */
export function opening(
  settings: TransactionSettings,
  {applicationName, corrections, workers}: Pick<Session, 'applicationName' | 'corrections' | 'workers'>,
): string[] {
  return [
    // The level is stated: a database's default of SERIALIZABLE would make reports fail, or wait for other
    // transactions.
    `begin isolation level read committed ${settings.readOnly ? 'read only' : 'read write'}`,
    ...(settings.snapshotAfter === undefined ? [] : beforeSnapshot(settings, settings.snapshotAfter)),
    `select ${set(settings, applicationName, corrections, true)}`,
    ...(workers ? workerSettings(settings.lockTimeout) : []),
  ]
}

/**
 * The first SELECT takes the snapshot, so the isolation, the role and the locks are set by statements that take none.
 */
function beforeSnapshot({lockTimeout, role}: TransactionSettings, locks: readonly Statement[]): string[] {
  return [
    'set transaction isolation level repeatable read',
    `set local lock_timeout = ${lockTimeout}`,
    ...(role ? [`set local role ${quoteIdent(role)}`] : []),
    ...locks.map(({text}) => text),
  ]
}

function set(settings: TransactionSettings, applicationName: string, corrections: Settings, local: boolean): string {
  const all = [...gucs(settings, applicationName), ...corrections]
  return all.map(([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, ${local})`).join(', ')
}

/**
 * The settings on which the meaning or the text of a statement depends, so that those of a database or a role change
 * nothing. jit costs more than any of the queries. search_path contains no schema in which other roles can create
 * objects. With quote_all_identifiers, format_type() and regclass print quoted names; without array_nulls, a NULL in an
 * array is a text. With row_security off, a query of which row level security would hide rows fails with SQLSTATE
 * 42501: otherwise an aggregate computes without those rows, and a drop takes them. SQL of the user keeps the role's
 * setting.
 */
function gucs(settings: TransactionSettings, applicationName: string): [string, string][] {
  return [
    ...deadlockTimeout(settings),
    ['lock_timeout', `${settings.lockTimeout}`],
    ['statement_timeout', `${settings.statementTimeout}`],
    ['search_path', settings.searchPath ?? 'pg_catalog, pg_temp'],
    ['timezone', 'UTC'],
    ['datestyle', 'ISO, YMD'],
    ['intervalstyle', 'postgres'],
    ['bytea_output', 'hex'],
    ['standard_conforming_strings', 'on'],
    ['quote_all_identifiers', 'off'],
    ['array_nulls', 'on'],
    ['extra_float_digits', '1'],
    ...rowSecurity(settings),
    ['jit', 'off'],
    ['application_name', applicationName],
  ]
}

/** Before the role of the target, which need not have the login role's privilege. */
function deadlockTimeout({deadlockTimeout: timeout}: TransactionSettings): [string, string][] {
  return timeout === undefined ? [] : [['deadlock_timeout', `${timeout}`]]
}

function rowSecurity(settings: TransactionSettings): [string, string][] {
  if (settings.rowSecurity === 'filter') return [['row_security', 'on']]
  return settings.searchPath === undefined ? [['row_security', 'off']] : []
}
