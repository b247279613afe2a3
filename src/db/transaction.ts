import type {Writable} from 'node:stream'
import type {ClientConfig} from 'pg'
import type {Database, Db, TransactionSettings} from './database.js'
import {Flight, skipped, type Answer} from './flight.js'
import {ExitCode, OpsError} from '../errors.js'
import {isConnectionLost, serverMessage, sqlState, SqlState} from './sqlstate.js'
import {mayHoldSeveral, quoteIdent, quoteLiteral, type Statement} from './sql.js'

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
  /** Closes the connection of a server that has not answered for so many seconds; null where statement_timeout is not kept. */
  giveUp: ((seconds: number) => void) | null
  /** Gives a failure that is the end of the connection the code for it: programs decide by codes. */
  mark(error: unknown): void
  /** Settings that this database needs in each transaction so that answers are true. */
  corrections: Settings
}

export type Settings = readonly (readonly [name: string, value: string])[]

/**
 * Runs `work` in a transaction with its own settings. What `work` asks before it waits for an answer goes out in one
 * write, together with BEGIN and, if nothing is left to wait for, with the commit: one round trip instead of three.
 *
 * Nothing of `work` can run outside of the transaction: BEGIN, the settings and the first statements share one Sync
 * ({@link Flight}), so the server skips them all where BEGIN or a setting fails; later statements are held back until the
 * server has answered that Sync. A COMMIT counts only if the transaction was still open.
 * @throws the first failure in the order of sending
 */
export async function inTransaction<T>(
  session: Session,
  settings: TransactionSettings,
  work: (tx: Db) => Promise<T>,
): Promise<T> {
  const transaction = openTransaction(session, settings)
  try {
    const result = await work(transaction)
    await transaction.commit()
    return result
  } catch (error) {
    await transaction.rollback(error)
    throw transaction.causeOf(error)
  } finally {
    transaction.close()
  }
}

const endedEarly = 'a statement ended the transaction before its commit; what came after it ran outside of it'

interface Transaction extends Db {
  commit(): Promise<void>
  rollback(error: unknown): Promise<void>
  causeOf(error: unknown): unknown
  close(): void
}

function openTransaction(
  {client, applicationName, prepares, types, corrections, giveUp, mark}: Session,
  settings: TransactionSettings,
): Transaction {
  const watched = silenceWatch(giveUp, settings.statementTimeout)
  const first = new Flight(types)
  let phase: 'collecting' | 'sent' | 'open' | 'over' = 'collecting'
  let waiting = 0
  let cause: {error: unknown} | undefined
  let ended = false
  let firstFailed = false
  /** The server has answered the commit, with whatever. */
  let committed = false
  let rolledBack = false
  const failed = (error: unknown) => {
    mark(error)
    cause ??= {error}
  }
  // The warning of a COMMIT, ROLLBACK or SET LOCAL outside of a transaction.
  const listener = ({code}: {code?: string}) => void (ended ||= code === SqlState.noTransaction)
  client.on('notice', listener)

  for (const text of opening(settings, applicationName, corrections)) first.add({text}).catch(failed)
  const {role} = settings
  if (role)
    first.add({text: `set local role ${quoteIdent(role)}`}).catch((error: unknown) => failed(roleError(role, error)))
  const onLanded = () => {
    if (phase === 'sent') phase = 'open'
  }
  first.landed.then(onLanded, (error: unknown) => {
    firstFailed = true
    failed(error)
  })

  /** One write for what is sent in the same turn: a write each was 40 % of a daemon's processor time. */
  const cork = () => {
    const {stream} = client.connection
    stream.cork()
    process.nextTick(() => stream.uncork())
  }
  const depart = () => {
    if (phase !== 'collecting') return
    phase = 'sent'
    cork()
    client.query(first)
    watched(first.landed)
  }
  process.nextTick(depart)

  const send = (question: Statement): Promise<Answer | Answer[]> => {
    cork()
    const {text, values, name} = question
    const answer = client.query({
      text,
      ...(values.length > 0 && {values: [...values]}),
      ...(prepares && name !== undefined && {name}),
    })
    answer.catch(failed)
    return watched(answer)
  }
  /** Sends once the server has answered that the transaction is open. Fails unsent where it is not. */
  const afterOpening = async (question: Statement): Promise<Answer | Answer[]> => {
    waiting += 1
    await first.landed.catch(() => Promise.reject(skipped())).finally(() => (waiting -= 1))
    if (rolledBack) throw skipped()
    return send(question)
  }
  const ask = (question: Statement): Promise<Answer | Answer[]> => {
    const {text, values, name} = question
    if (phase === 'collecting' && !(values.length === 0 && mayHoldSeveral(text))) {
      const answer = first.add({text, values, name: prepares ? name : undefined})
      answer.catch(failed)
      return watched(answer)
    }
    depart()
    return phase === 'open' ? send(question) : afterOpening(question)
  }

  return {
    query<Row extends object>(question: Statement): Promise<Row[]> {
      if (phase === 'over') return Promise.reject(new Error('the transaction is over; this statement was not sent'))
      const answer = ask(question)
      const rows = answer.then((given) => rowsOf(given) as Row[])
      // Where the caller does not wait for it, the commit reports the failure.
      rows.catch(() => {})
      return rows
    },
    async commit() {
      depart()
      const commit: Statement = {text: 'commit', values: []}
      const answer = waiting === 0 ? send(commit) : afterOpening(commit)
      phase = 'over'
      const end = await answer
      committed = true
      const counts = !Array.isArray(end) && end.command === 'COMMIT' && !ended && !firstFailed
      if (!counts) throw cause?.error ?? new Error(ended ? endedEarly : 'the server rolled the transaction back')
    },
    async rollback(error) {
      if (committed) return
      const sent = phase !== 'collecting'
      phase = 'over'
      rolledBack = true
      failed(error)
      if (!sent) first.discard(error)
      else if (!isConnectionLost(error)) await client.query({text: 'rollback'}).catch(() => {})
    },
    causeOf: (error) => (sqlState(error) === SqlState.inFailedTransaction && cause ? cause.error : error),
    close: () => void client.off('notice', listener),
  }
}

/** Milliseconds that an answer may be on its way after the server's own limit. */
const answerGrace = 5_000

/**
 * Gives a connection up whose server does not answer within statement_timeout and a little: a socket can stay open with
 * nothing behind it. Each answer begins the wait for the next.
 * @param limit statement_timeout in milliseconds; 0: no limit
 */
function silenceWatch(giveUp: Session['giveUp'], limit: number): <T>(answer: Promise<T>) => Promise<T> {
  if (limit === 0 || giveUp === null) return (answer) => answer
  let asked = 0
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(timer)
    timer = asked > 0 ? setTimeout(() => giveUp((limit + answerGrace) / 1000), limit + answerGrace) : undefined
  }
  const answered = () => {
    asked -= 1
    wait()
  }
  return (answer) => {
    asked += 1
    if (asked === 1) wait()
    answer.then(answered, answered)
    return answer
  }
}

/** Waits for all that travel together. @throws the first failure in the order of sending, whichever was noticed first */
export async function allInOrder<const T extends readonly unknown[]>(
  answers: T,
): Promise<{-readonly [K in keyof T]: Awaited<T[K]>}> {
  const settled = await Promise.allSettled(answers)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}

/** A transaction whose parts, and its commit, are sent without waiting. @throws the first failure in their order, else the commit's */
export async function pipelined(
  db: Database,
  settings: TransactionSettings,
  parts: (tx: Db) => readonly unknown[],
): Promise<void> {
  let sent: Promise<unknown> = Promise.resolve()
  const all = db.transaction(settings, async (tx) => {
    sent = allInOrder(parts(tx))
    sent.catch(() => {})
  })
  // The commit fails with what was noticed first; the caller gets the first in the order of the parts.
  await all.catch(async (error: unknown) => {
    const first: unknown = await sent.then(
      () => error,
      (failure: unknown) => failure,
    )
    throw sqlState(first) === SqlState.inFailedTransaction ? error : first
  })
}

/** Of several statements in one text, the last one's. */
function rowsOf(answer: Answer | Answer[]): object[] {
  return Array.isArray(answer) ? (answer.at(-1)?.rows ?? []) : answer.rows
}

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
function roleError(role: string, error: unknown): unknown {
  if (!roleStates.includes(sqlState(error))) return error
  return new OpsError('NO_ROLE', `The target's role cannot be used: ${serverMessage(error)}`, {
    exit: ExitCode.usage,
    cause: error,
    suggestions: [
      `Correct \`role: ${role}\` of the target in the configuration, or grant that role to the one that connects.`,
    ],
  })
}

/** BEGIN is the first statement of a flight: where it fails, as `begin read write` does on a replica, nothing behind it runs. */
function opening(settings: TransactionSettings, applicationName: string, corrections: Settings): string[] {
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
