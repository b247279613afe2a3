/** Virtual time: what happens next, in the order of time and then of entry. */

export interface Entry {
  time: number
  order: number
  run(): void
  /** Whether it calls code of a daemon, whose promises must settle before the next entry. */
  settles: boolean
  cancelled: boolean
}

export class Agenda {
  /** Milliseconds since 1970, whole. */
  now: number
  private heap: Entry[] = []
  private order = 0

  constructor(start: number) {
    this.now = start
  }

  /** Calls `run` after that many milliseconds. */
  after(milliseconds: number, run: () => void, settles = true): Entry {
    const entry: Entry = {
      time: this.now + Math.max(0, Math.ceil(milliseconds)),
      order: (this.order += 1),
      run,
      settles,
      cancelled: false,
    }
    this.push(entry)
    return entry
  }

  /** Runs everything up to that time, or until `stop` says so. */
  async runUntil(time: number, stop: () => boolean = () => false): Promise<void> {
    while (this.heap.length > 0 && this.heap[0]!.time <= time && !stop()) {
      const entry = this.pop()
      if (entry.cancelled) continue
      this.now = entry.time
      entry.run()
      // All promises of this process settle before the next macrotask.
      if (entry.settles) await new Promise(setImmediate)
    }
    if (!stop()) this.now = Math.max(this.now, time)
  }

  private push(entry: Entry): void {
    const {heap} = this
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  private pop(): Entry {
    const {heap} = this
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order)
}
