import type {Writable} from 'node:stream'
import type {Database, Db, TransactionSettings} from './database.js'
import {isConnectionLost, sqlState, SqlState} from './sqlstate.js'
import {quoteIdent, quoteLiteral, type Statement, type Value} from './sql.js'

/** A client of node-postgres in its pipeline mode, which sends what it is asked at once; its socket is not declared. */
export interface Pipeline {
  query(question: {text: string; values?: unknown[]; name?: string}): Promise<Answer | Answer[]>
  readonly connection: {readonly stream: Writable}
}

export interface Session {
  client: Pipeline
  applicationName: string
  /** Whether it may keep statements prepared. */
  prepares: boolean
}

interface Answer {
  command: string
  rows: object[]
}

/**
 * A transaction of its own settings. What `work` asks before it waits for an answer travels together: with the
 * opening, and with the commit what it never waits for. A question that is asked so costs one way to the server and
 * back where it took three; 50 ms each between a laptop and its cloud.
 *
 * The server answers in order, and after the first failure refuses everything up to the rollback that the commit
 * then is: that it was none is seen in its answer. The failure that counts is the first.
 */
export async function inTransaction<T>({client, applicationName, prepares}: Session, settings: TransactionSettings, work: (tx: Db) => Promise<T>): Promise<T> {
  let cause: {error: unknown} | undefined
  let open = true
  const send = ({text, values = [], name}: {text: string; values?: readonly Value[]; name?: string}) => {
    // Into one write with what is asked in the same turn: a write of its own was 40 % of a daemon's processor time.
    const {stream} = client.connection
    stream.cork()
    process.nextTick(() => stream.uncork())
    const answer = client.query({text, ...(values.length > 0 && {values: [...values]}), ...(prepares && name !== undefined && {name})})
    answer.catch((error: unknown) => (cause ??= {error}))
    return answer
  }
  const query = <Row extends object>(question: Statement): Promise<Row[]> => {
    const rows = send(question).then((answer) => rowsOf(answer) as Row[])
    // Whoever does not wait for it learns of its failure from the commit.
    rows.catch(() => {})
    return rows
  }
  try {
    void send({text: opening(settings, applicationName)})
    const result = await work({query})
    open = false
    const end = await send({text: 'commit'})
    if (!Array.isArray(end) && end.command !== 'COMMIT') throw cause?.error ?? new Error('the server rolled the transaction back')
    return result
  } catch (error) {
    if (open && !isConnectionLost(error)) await client.query({text: 'rollback'}).catch(() => {})
    throw sqlState(error) === SqlState.inFailedTransaction && cause ? cause.error : error
  }
}

/** Waits for all that travel together. @throws the first failure in the order of sending, whichever was noticed first */
export async function together<const T extends readonly unknown[]>(answers: T): Promise<{-readonly [K in keyof T]: Awaited<T[K]>}> {
  const settled = await Promise.allSettled(answers)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as {-readonly [K in keyof T]: Awaited<T[K]>}
}

/** A transaction whose parts, and its commit, are sent without waiting. @throws the first failure in their order, else the commit's */
export async function atOnce(db: Database, settings: TransactionSettings, parts: (tx: Db) => readonly unknown[]): Promise<void> {
  let sent: Promise<unknown> = Promise.resolve()
  const all = db.transaction(settings, async (tx) => {
    sent = together(parts(tx))
    sent.catch(() => {})
  })
  // Of a commit that was none the server only says that something before it failed.
  await all.catch(async (error: unknown) => {
    await sent
    throw error
  })
}

/** Of several statements in one text, the last one's. */
function rowsOf(answer: Answer | Answer[]): object[] {
  return Array.isArray(answer) ? (answer.at(-1)?.rows ?? []) : answer.rows
}

/** For a statement outside of any transaction: what {@link inTransaction} sets, for the session. */
export function sessionSettings(settings: TransactionSettings, applicationName: string): string {
  return `select ${set(settings, applicationName, false)}${settings.role ? `; set role ${quoteIdent(settings.role)}` : ''}`
}

/** `begin` alone cannot fail; `begin read write` can on a replica, and what follows it would run outside of any. */
function opening(settings: TransactionSettings, applicationName: string): string {
  const role = settings.role ? `; set local role ${quoteIdent(settings.role)}` : ''
  return `begin; set local transaction ${settings.readOnly ? 'read only' : 'read write'}; select ${set(settings, applicationName, true)}${role}`
}

function set(settings: TransactionSettings, applicationName: string, local: boolean): string {
  return gucs(settings, applicationName).map(([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, ${local})`).join(', ')
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
