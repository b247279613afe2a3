/** A timer of {@link ProcessClock}. */
export interface Timer {
  cancel(): void
}

/** The clock and the timers of a process. In the simulator each daemon has its own. */
export interface ProcessClock {
  /** Milliseconds since an arbitrary time, by a clock that cannot be set. */
  monotonic(): number
  /** Milliseconds since 1970 by this machine's clock, which may be set. */
  wall(): number
  /**
   * Calls `ring` once after this many milliseconds. @param keepsAlive false if the process need not wait for it to end
   */
  after(milliseconds: number, ring: () => void, keepsAlive?: boolean): Timer
  /** Calls `ring` repeatedly. */
  every(milliseconds: number, ring: () => void): Timer
}

export const systemClock: ProcessClock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  after(milliseconds, ring, keepsAlive = true) {
    const timer = setTimeout(ring, milliseconds)
    if (!keepsAlive) timer.unref()
    return {cancel: () => clearTimeout(timer)}
  },
  every(milliseconds, ring) {
    const timer = setInterval(ring, milliseconds)
    return {cancel: () => clearInterval(timer)}
  },
}

/** Resolves after this many milliseconds, or as soon as the signal is aborted. */
export function sleep(clock: ProcessClock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      signal?.removeEventListener('abort', end)
      timer.cancel()
      resolve()
    }
    const timer = clock.after(milliseconds, end)
    signal?.addEventListener('abort', end)
  })
}
