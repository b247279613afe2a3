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
  /** Called before each attempt to connect. */
  onTry(): void
  identify(db: Database): Identity
}

/** Tracks whether the database is reachable and writable, and waits until it is. */
export class Availability {
  /** Why the database cannot be written to; null if it can. */
  blockedReason: string | null = null
  private readonly replica: ReplicaWatch

  constructor(private readonly options: AvailabilityOptions) {
    this.replica = replicaWatch(() => options.now())
  }

  /** Whether only a read-only replica was reachable at that time (milliseconds since 1970). */
  sawOnlyReplica(instant: number): boolean {
    return this.replica.saw(instant)
  }

  /** Waits until the database is reachable and writable again, or a stop is requested. Rethrows other errors. */
  async recover(db: Database, error: unknown): Promise<void> {
    const {emit, stop, onTry} = this.options
    if (isReadOnly(error)) await db.probe()
    else if (!isConnectionError(error)) throw error
    else {
      this.blockedReason = 'the database is unreachable'
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

  /** Waits while the server is a replica, and reports a failover or a restore. */
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
