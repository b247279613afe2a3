import type {Claim} from '../jobs/store/claims.js'
import type {ProcessClock, Timer} from '../units/process-clock.js'

/** Milliseconds that a claim is expected to wait at most when it is made. */
const horizon = 50
/** Milliseconds after which a claim that got no slot is released, so that any daemon may run it. */
const slotTimeout = 1_000

/**
 * Claims that wait for a slot. At a full minute a hundred jobs are due together: they are claimed in a few statements,
 * and a slot that becomes free takes the next one without asking the ledger. Claiming them one by one as slots became
 * free took more than half of the time of each run.
 *
 * A claim that waits is kept from other daemons, so a job is claimed ahead only if it starts soon: every job before it
 * is known to be short.
 */
export class WaitingClaims {
  /** `since` is by the process's monotonic clock. */
  private claims: {claim: Claim; since: number}[] = []
  /** How long the last run of each job took here, in milliseconds. */
  private readonly took = new Map<string, number>()
  private timer: Timer | undefined

  /** @param onTimeout called with those that got no slot within a second */
  constructor(
    private readonly clock: ProcessClock,
    private readonly onTimeout: (claims: readonly Claim[]) => void,
  ) {}

  get size(): number {
    return this.claims.length
  }

  all(): Claim[] {
    return this.claims.map(({claim}) => claim)
  }

  /** A run of the job has ended. @param milliseconds from its start */
  ended(job: string, milliseconds: number): void {
    this.took.set(job, milliseconds)
  }

  /**
   * How many of the due jobs, in this order, may be claimed.
   * @param busy the jobs that are running
   * @param slots number of slots reserved for the first ones
   */
  room(due: readonly string[], busy: readonly string[], slots: number): number {
    const expected = (job: string) => this.took.get(job) ?? Infinity
    const isShort = (job: string) => expected(job) < horizon
    const lanes = [...busy, ...due.slice(0, slots)].filter(isShort).length
    let left = lanes * horizon
    for (const {claim} of this.claims) left -= expected(claim.job)
    let count = slots
    for (const job of due.slice(slots)) {
      if (left <= 0) break
      left -= expected(job)
      count += 1
    }
    return count
  }

  add(claim: Claim): void {
    this.claims.push({claim, since: this.clock.monotonic()})
    this.timer ??= this.clock.after(slotTimeout, () => this.release(), false)
  }

  /** Takes the first one, as a claim whose run starts now. `waited`: seconds since it was claimed. */
  next(): {claim: Claim; waited: number} | undefined {
    const first = this.claims.shift()
    if (first === undefined) return undefined
    const {claim, since} = first
    const waited = Math.round(this.clock.monotonic() - since) / 1000
    const late = claim.late + waited
    return {claim: {...claim, startedAt: claim.startedAt + waited * 1000, late}, waited}
  }

  /** Takes those for which this is true, or all. */
  remove(which: (claim: Claim) => boolean = () => true): Claim[] {
    const gone = this.all().filter(which)
    this.claims = this.claims.filter(({claim}) => !gone.includes(claim))
    return gone
  }

  private release(): void {
    this.timer = undefined
    const now = this.clock.monotonic()
    const late = new Set(this.claims.filter(({since}) => now - since >= slotTimeout).map(({claim}) => claim))
    const first = this.claims.find(({claim}) => !late.has(claim))
    if (first !== undefined) this.timer = this.clock.after(first.since + slotTimeout - now, () => this.release(), false)
    if (late.size > 0) this.onTimeout(this.remove((claim) => late.has(claim)))
  }
}
