import type {Database} from '../db/database.js'
import type {Emit} from '../jobs/events.js'
import type {Identity} from '../jobs/store/ledger.js'
import {noteTimeline} from '../jobs/store/daemons.js'
import {isConnectionError, isReadOnly, replicaWatch, retryUntilConnected, type ReplicaWatch} from './reconnect.js'

export interface AvailabilityOptions {
  now(): number
  /** Milliseconds. */
  poll: number
  emit: Emit
  stop: AbortSignal
  /** Called before every try. */
  onTry(): void
  identify(db: Database): Identity
}

/** Whether the database can be reached and written, and how a daemon waits until it can. */
export class Availability {
  /** Why nothing can be written; null where it can. */
  blockedReason: string | null = null
  private readonly replica: ReplicaWatch

  constructor(private readonly options: AvailabilityOptions) {
    this.replica = replicaWatch(() => options.now())
  }

  /** Whether only a read-only replica could be reached then. */
  sawOnlyReplica(instant: number): boolean {
    return this.replica.saw(instant)
  }

  /** Until the database is there again and can be written, or a stop is asked for. Rethrows what is no outage. */
  async recover(db: Database, error: unknown): Promise<void> {
    const {emit, stop, onTry} = this.options
    if (isReadOnly(error)) await db.probe()
    else if (!isConnectionError(error)) throw error
    else {
      this.blockedReason = 'the database is away'
      await retryUntilConnected(
        () => db.reconnect(),
        emit,
        stop,
        () => false,
        onTry,
      )
    }
    if (stop.aborted) return
    await this.waitUntilWritable(db)
  }

  /** Waits while the server is a replica, and reports a fail-over or a restore. */
  async waitUntilWritable(db: Database): Promise<void> {
    const {poll, emit, stop, onTry, identify} = this.options
    if (db.server.inRecovery) this.blockedReason = 'the server is a read-only replica'
    await this.replica.wait(db, poll, emit, stop, onTry)
    if (stop.aborted) return
    this.blockedReason = null
    if (!db.server.hasQicoreSchema) return
    const changed = await noteTimeline(db, identify(db)).catch(() => null)
    if (changed !== null) emit({event: 'server_changed', message: changed})
  }
}
