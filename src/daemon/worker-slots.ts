import {systemClock, type ProcessClock, type Timer} from '../units/process-clock.js'

/** The slots of one target. */
export interface SlotShare {
  /**
   * Takes up to `wanted` slots. If it gets fewer, the target waits, and is called when a slot is free for it.
   * @returns how many it took
   */
  take(wanted: number): number
  /** Returns slots. */
  give(count: number): void
  /** The target takes no slots any more. */
  leave(): void
}

interface Member {
  held: number
  /** Offered to the target, which was called and has not answered yet. */
  offered: number
  /** Withdraws the offer. */
  timer: Timer | undefined
  onFree(): void
}

/** Milliseconds. A target that does not answer, because its database is slow, must not keep a slot from the others. */
const offerTimeout = 1_000

/**
 * The slots for running jobs, shared by all targets: round robin over the targets that wait. If there are several
 * targets, the last slot is not given to one that holds all others, so that one target never blocks the rest.
 */
export class WorkerSlots {
  private readonly members = new Set<Member>()
  /** Those that wait, the longest first. */
  private queue: Member[] = []

  constructor(
    private readonly total: number,
    private readonly clock: ProcessClock = systemClock,
  ) {}

  /** @param onFree called when a slot is free for the target, after it got fewer than it wanted */
  join(onFree: () => void): SlotShare {
    const member: Member = {held: 0, offered: 0, timer: undefined, onFree}
    this.members.add(member)
    return {
      take: (wanted) => this.take(member, wanted),
      give: (count) => {
        member.held -= count
        this.offer()
      },
      leave: () => {
        this.members.delete(member)
        this.withdraw(member)
      },
    }
  }

  /** Slots that are neither held nor offered. */
  private free(): number {
    let used = 0
    for (const {held, offered} of this.members) used += held + offered
    return Math.max(0, this.total - used)
  }

  private mayHold({held}: Member): boolean {
    return this.members.size === 1 || this.total === 1 || held < this.total - 1
  }

  private take(member: Member, wanted: number): number {
    const {offered} = member
    member.offered = 0
    member.timer?.cancel()
    this.queue = this.queue.filter((other) => other !== member)
    let taken = 0
    // Without an offer it takes only what no other target waits for.
    while (
      taken < wanted &&
      this.mayHold(member) &&
      (taken < offered || (!this.queue.some((other) => this.mayHold(other)) && this.free() > 0))
    ) {
      member.held += 1
      taken += 1
    }
    if (taken < wanted) this.queue.push(member)
    this.offer()
    return taken
  }

  /** Offers each free slot to the target that has waited longest. */
  private offer(): void {
    for (const member of [...this.queue]) {
      if (this.free() === 0) return
      if (!this.mayHold(member)) continue
      this.queue = this.queue.filter((other) => other !== member)
      member.offered = 1
      member.timer = this.clock.after(offerTimeout, () => this.withdraw(member), false)
      member.onFree()
    }
  }

  private withdraw(member: Member): void {
    this.queue = this.queue.filter((other) => other !== member)
    if (member.offered === 0) return
    member.offered = 0
    this.offer()
  }
}
