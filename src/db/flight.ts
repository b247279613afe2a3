/** Statements of the extended protocol that share one Sync. */
import pg from 'pg'
import {isConnectionLost, noteRefused, SqlState} from './sqlstate.js'
import type {Value} from './sql.js'

export interface Answer {
  command: string
  rows: object[]
}

export interface Question {
  text: string
  values?: readonly Value[]
  /** If set, the session keeps the statement prepared under this name. */
  name?: string | undefined
}

type Types = NonNullable<pg.ClientConfig['types']>

/** The methods that node-postgres calls on a query as messages arrive. Its type declarations omit them. */
interface WireQuery {
  submit(connection: Connection): Error | null
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
  handleEmptyQuery(connection: Connection): void
  handleReadyForQuery(connection: Connection): void
  handleError(error: unknown, connection: Connection): void
}

interface Connection {
  sync(): void
  readonly submittedNamedStatements: Record<string, string>
}

type Part = WireQuery & {readonly name?: string; readonly text?: string}
type WireQueryClass = new (config: object, callback: (error: unknown, answer: Answer) => void) => WireQuery
const Query = pg.Query as unknown as WireQueryClass

/** The error of a statement that the server skipped because an earlier one in the same flight failed. */
export function skipped(): Error {
  const error = new Error('the server skipped this statement, because an earlier one failed')
  return Object.assign(error, {code: SqlState.inFailedTransaction})
}

/**
 * Statements of the extended protocol that end with one Sync. After an error the server discards everything up to the
 * Sync, so no statement runs after a failed one. node-postgres by itself sends a Sync after each statement; a statement
 * after a failed BEGIN would then run outside any transaction.
 *
 * For node-postgres a flight is one query: each message of the server belongs to the first part that has not ended.
 */
export class Flight extends Query {
  private readonly parts: Part[] = []
  private current = 0
  private settle!: {resolve: () => void; reject: (error: unknown) => void}
  /** Settles when the server has answered the Sync. Rejects with the first error. */
  readonly landed: Promise<void>

  constructor(private readonly types: Types) {
    super({text: ''}, () => {})
    this.landed = new Promise((resolve, reject) => (this.settle = {resolve, reject}))
    this.landed.catch(() => {})
  }

  /** Adds a statement. Only before the flight is handed to the client. */
  add({text, values = [], name}: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const config = {
        text,
        values: [...values],
        ...(name !== undefined && {name}),
        types: this.types,
        queryMode: 'extended',
      }
      this.parts.push(new Query(config, (error, answer) => (error ? reject(error) : resolve(answer))))
    })
  }

  /** Fails all parts of a flight that is never sent. */
  discard(error: unknown): void {
    for (const part of this.parts) part.handleError(error, undefined as never)
    this.settle.reject(error)
  }

  /**
   * node-postgres uses name and text to remember which statements the server has parsed. The base class sets them once.
   */
  get name(): string | undefined {
    return this.parts?.[this.current]?.name
  }
  set name(_: string | undefined) {}
  get text(): string | undefined {
    return this.parts?.[this.current]?.text
  }
  set text(_: string | undefined) {}

  override submit(connection: Connection): Error | null {
    const withoutSync = Object.create(connection, {sync: {value: () => {}}}) as Connection
    for (const part of this.parts) {
      const refused = part.submit(withoutSync)
      if (refused) throw refused
    }
    connection.sync()
    return null
  }

  override handleRowDescription(message: unknown): void {
    this.parts[this.current]!.handleRowDescription(message)
  }

  override handleDataRow(message: unknown): void {
    this.parts[this.current]!.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    const part = this.parts[this.current++]!
    part.handleCommandComplete(message, connection)
    part.handleReadyForQuery(connection)
  }

  override handleEmptyQuery(connection: Connection): void {
    this.parts[this.current++]!.handleReadyForQuery(connection)
  }

  override handleError(error: unknown, connection: Connection): void {
    // An error that the server did not send means that the connection is lost.
    const isOver = !(error instanceof pg.DatabaseError) || isConnectionLost(error)
    noteRefused(error, this.parts[this.current]?.text)
    for (const [index, part] of this.parts.slice(this.current).entries()) {
      if (part.name !== undefined) delete connection.submittedNamedStatements[part.name]
      part.handleError(index === 0 || isOver ? error : skipped(), connection)
    }
    this.current = this.parts.length
    this.settle.reject(error)
  }

  override handleReadyForQuery(): void {
    this.settle.resolve()
  }
}
