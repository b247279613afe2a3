import {
  isConnectionError,
  isReadOnly,
  replicaWatch,
  retryUntilConnected,
  type ReplicaWatch,
  type RetryOptions,
  type ServerState,
} from './reconnect.js'

export interface AvailabilityOptions extends RetryOptions {
  now(): number
  /** Milliseconds. */
  poll: number
  /** Records a failover or restore, and returns a sentence about it; null if there was none. */
  noteTimeline(): Promise<string | null>
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
  async recover(db: ServerState, error: unknown): Promise<void> {
    const {stop} = this.options
    if (isReadOnly(error)) await db.probe()
    else if (!isConnectionError(error)) throw error
    else {
      this.blockedReason = 'the database is unreachable'
      await retryUntilConnected(
        () => db.reconnect(),
        this.options,
        () => false,
      )
    }
    if (stop.aborted) return
    await this.waitUntilWritable(db)
  }

  /** Waits while the server is a replica, and reports a failover or a restore. */
  async waitUntilWritable(db: ServerState): Promise<void> {
    const {poll, emit, stop, noteTimeline} = this.options
    if (db.server.inRecovery) this.blockedReason = 'the server is a read-only replica'
    await this.replica.wait(db, poll, this.options)
    if (stop.aborted) return
    this.blockedReason = null
    if (!db.server.hasQicoreSchema) return
    const changed = await noteTimeline().catch(() => null)
    if (changed !== null) emit({event: 'server_changed', message: changed})
  }
}
