import type {Db, TransactionSettings} from './database.js'
import {Flight, skipped, type Answer} from './flight.js'
import {opening, roleError, type Session} from './session.js'
import {silenceWatch} from './silence-watch.js'
import {mayHoldSeveral, quoteIdent, type Statement} from './sql.js'
import {answeredAfter, sqlState, SqlState} from './sqlstate.js'
import type {Turn} from './turns.js'

const endedEarlyMessage = 'a statement ended the transaction before its commit; later statements ran outside of it'

/** A transaction from BEGIN to its end; see {@link inTransaction} for the pipelining. */
export class OpenTransaction implements Db {
  /** BEGIN, the settings, and the statements that are sent together with them. */
  private readonly first: Flight
  private readonly watched: <T>(answer: Promise<T>) => Promise<T>
  private phase: 'collecting' | 'sent' | 'open' | 'over' = 'collecting'
  /** Number of statements that wait until the server has confirmed that the transaction is open. */
  private waiting = 0
  private cause: {error: unknown} | undefined
  /** Whether a statement of the caller has ended the transaction. */
  private endedEarly = false
  private firstFailed = false
  /** Whether the server has responded to COMMIT, with any result. */
  private committed = false
  private rolledBack = false

  constructor(
    private readonly session: Session,
    settings: TransactionSettings,
    private readonly turn: Turn,
  ) {
    this.watched = silenceWatch(session.giveUp, settings.statementTimeout, turn.reached)
    this.first = new Flight(session.types)
    session.onNoTransaction.add(this.onNoTransaction)
    this.addOpening(settings)
    this.first.landed.then(this.onLanded, (error: unknown) => {
      this.firstFailed = true
      this.failed(error)
    })
    process.nextTick(() => this.depart())
  }

  query<Row extends object>(question: Statement): Promise<Row[]> {
    if (this.phase === 'over') return Promise.reject(new Error('the transaction is over; this statement was not sent'))
    const rows = this.ask(question).then((answer) => rowsOf(answer) as Row[])
    // If the caller does not await it, the commit reports the failure.
    rows.catch(() => {})
    return rows
  }

  async commit(): Promise<void> {
    this.depart()
    const commit: Statement = {text: 'commit', values: []}
    const isLast = this.waiting === 0
    const answer = isLast ? this.send(commit) : this.afterOpening(commit)
    this.phase = 'over'
    if (isLast) this.turn.sent()
    const end = await answer
    this.committed = true
    answeredAfter(this.cause?.error)
    const counts = !Array.isArray(end) && end.command === 'COMMIT' && !this.endedEarly && !this.firstFailed
    if (!counts)
      throw (
        this.cause?.error ?? new Error(this.endedEarly ? endedEarlyMessage : 'the server rolled the transaction back')
      )
  }

  async rollback(error: unknown): Promise<void> {
    if (this.committed) return
    const sent = this.phase !== 'collecting'
    this.phase = 'over'
    this.rolledBack = true
    this.failed(error)
    if (!sent) return this.first.discard(error)
    // Also after the code of a lost connection: a server that answers has lost its connection to another node.
    await this.session.client.query({text: 'rollback'}).then(
      () => [error, this.cause?.error].forEach(answeredAfter),
      () => {},
    )
  }

  causeOf(error: unknown): unknown {
    return sqlState(error) === SqlState.inFailedTransaction && this.cause ? this.cause.error : error
  }

  close(): void {
    this.session.onNoTransaction.delete(this.onNoTransaction)
  }

  private readonly onNoTransaction = () => void (this.endedEarly = true)

  private readonly onLanded = () => {
    if (this.phase === 'sent') this.phase = 'open'
  }

  private readonly failed = (error: unknown) => {
    this.session.mark(error)
    this.cause ??= {error}
  }

  private addOpening(settings: TransactionSettings): void {
    // Not prepared by name: after a DEALLOCATE ALL of a user's statement no transaction of the session could begin.
    for (const text of opening(settings, this.session)) this.first.add({text}).catch(this.failed)
    const {role} = settings
    if (role)
      this.first
        .add({text: `set local role ${quoteIdent(role)}`})
        .catch((error: unknown) => this.failed(roleError(role, error)))
  }

  /** One write for everything sent in the same turn: single writes took 40 % of a daemon's CPU time. */
  private cork(): void {
    const {stream} = this.session.client.connection
    stream.cork()
    process.nextTick(() => stream.uncork())
  }

  /** Sends the collected statements. */
  private depart(): void {
    if (this.phase !== 'collecting') return
    this.phase = 'sent'
    this.cork()
    this.session.client.query(this.first)
    this.watched(this.first.landed)
  }

  private ask(asked: Statement): Promise<Answer | Answer[]> {
    const question = this.session.encode(asked)
    const {text, values, name} = question
    if (this.phase === 'collecting' && !(values.length === 0 && mayHoldSeveral(text))) {
      const answer = this.first.add({text, values, name: this.session.prepares ? name : undefined})
      answer.catch(this.failed)
      return this.watched(answer)
    }
    this.depart()
    return this.phase === 'open' ? this.send(question) : this.afterOpening(question)
  }

  private send({text, values, name}: Statement): Promise<Answer | Answer[]> {
    this.cork()
    const answer = this.session.client.query({
      text,
      ...(values.length > 0 && {values: [...values]}),
      ...(this.session.prepares && name !== undefined && {name}),
    })
    answer.catch(this.failed)
    return this.watched(answer)
  }

  /** Sends once the server has confirmed that the transaction is open; otherwise fails without sending. */
  private async afterOpening(question: Statement): Promise<Answer | Answer[]> {
    this.waiting += 1
    await this.first.landed.catch(() => Promise.reject(skipped())).finally(() => (this.waiting -= 1))
    if (this.rolledBack) throw skipped()
    return this.send(question)
  }
}

/** The rows of the last statement, if the text has several. */
function rowsOf(answer: Answer | Answer[]): object[] {
  return Array.isArray(answer) ? (answer.at(-1)?.rows ?? []) : answer.rows
}
