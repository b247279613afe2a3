/** The place of a transaction among those of its session. */
export interface Turn {
  /** Settles when every earlier transaction has ended: until then the server works on those. */
  readonly reached: Promise<void>
  /** Everything including COMMIT is sent, so the next transaction may be sent behind it. */
  sent(): void
}

/**
 * The order of the work of one session. A second transaction must not begin while the first is open, or it would run
 * inside it. Once COMMIT of a read-only transaction is sent, the next one is sent behind it without waiting for the
 * answers: transactions that are asked for together take one round trip. Everything else has the session for itself.
 */
export class Turns {
  /** Settles when the last transaction has sent its COMMIT. */
  private sent: Promise<void> = Promise.resolve()
  /** Settles when all work until now has ended. */
  private ended: Promise<void> = Promise.resolve()

  /** Starts when everything before it has ended; nothing is sent before its end. */
  alone<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const mine = this.ended.then(() => work({reached: Promise.resolve(), sent: () => {}}))
    this.ended = settled(mine)
    this.sent = this.ended
    return mine
  }

  /** Starts as soon as everything before it is sent. */
  behind<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const reached = this.ended
    let sent!: () => void
    const leaves = new Promise<void>((resolve) => (sent = resolve))
    const mine = this.sent.then(() => work({reached, sent}))
    const end = settled(mine)
    this.ended = settled(Promise.all([reached, end]))
    this.sent = Promise.race([leaves, end])
    return mine
  }
}

function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => {},
    () => {},
  )
}
