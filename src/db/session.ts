import type {Writable} from 'node:stream'
import type {ClientConfig} from 'pg'
import type {TransactionSettings} from './database.js'
import type {Answer, Flight} from './flight.js'
import {ExitCode, OpsError} from '../errors.js'
import {quoteIdent, quoteLiteral} from './sql.js'
import {serverMessage, sqlState, SqlState} from './sqlstate.js'

/** A client of node-postgres in its pipeline mode, which sends each query at once. Its socket is not declared. */
export interface Pipeline {
  query(question: {text: string; values?: unknown[]; name?: string}): Promise<Answer | Answer[]>
  query(flight: Flight): unknown
  on(event: 'notice', listener: (notice: {code?: string}) => void): unknown
  off(event: 'notice', listener: (notice: {code?: string}) => void): unknown
  readonly connection: {readonly stream: Writable}
}

export interface Session {
  client: Pipeline
  applicationName: string
  /** Whether it may keep statements prepared. */
  prepares: boolean
  /** How values of the server are read. */
  types: NonNullable<ClientConfig['types']>
  /**
   * Closes the connection of a server that has not answered for so many seconds; null where statement_timeout is not
   * kept.
   */
  giveUp: ((seconds: number) => void) | null
  /** Gives a failure that is the end of the connection the code for it: programs decide by codes. */
  mark(error: unknown): void
  /** Settings that this database needs in each transaction so that answers are true. */
  corrections: Settings
}

export type Settings = readonly (readonly [name: string, value: string])[]

/** For a statement outside of any transaction: what {@link inTransaction} sets, for the session. */
export function sessionSettings(settings: TransactionSettings, applicationName: string, corrections: Settings): string {
  return `select ${set(settings, applicationName, corrections, false)}${settings.role ? `; set role ${quoteIdent(settings.role)}` : ''}`
}

const roleStates: readonly (string | undefined)[] = [
  SqlState.undefinedObject,
  SqlState.invalidParameter,
  SqlState.noPrivilege,
]

/** A role of the configuration that does not exist, or that the session's role is no member of. */
export function roleError(role: string, error: unknown): unknown {
  if (!roleStates.includes(sqlState(error))) return error
  return new OpsError('NO_ROLE', `The target's role cannot be used: ${serverMessage(error)}`, {
    exit: ExitCode.usage,
    cause: error,
    suggestions: [
      `Correct the role ${role} where it is named (--role, QICORE_ROLE or \`role\` of the target), or grant it to the role that connects.`,
    ],
  })
}

/**
 * BEGIN is the first statement of a flight: where it fails, as `begin read write` does on a replica, nothing behind it
 * runs.
 */
export function opening(settings: TransactionSettings, applicationName: string, corrections: Settings): string[] {
  return [
    `begin ${settings.readOnly ? 'read only' : 'read write'}`,
    `select ${set(settings, applicationName, corrections, true)}`,
  ]
}

function set(settings: TransactionSettings, applicationName: string, corrections: Settings, local: boolean): string {
  const all = [...gucs(settings, applicationName), ...corrections]
  return all.map(([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, ${local})`).join(', ')
}

/** jit costs more than every question of ours: it is off. search_path holds nothing that anybody can write to. */
function gucs(settings: TransactionSettings, applicationName: string): [string, string][] {
  return [
    ['lock_timeout', `${settings.lockTimeout}`],
    ['statement_timeout', `${settings.statementTimeout}`],
    ['search_path', settings.searchPath ?? 'pg_catalog, pg_temp'],
    ['timezone', 'UTC'],
    ['datestyle', 'ISO, YMD'],
    ['intervalstyle', 'postgres'],
    ['bytea_output', 'hex'],
    ['standard_conforming_strings', 'on'],
    ['jit', 'off'],
    ['application_name', applicationName],
  ]
}
