import type {ProcessClock} from '../units/process-clock.js'

/** The database's clock. Between two queries it advances by this process's monotonic clock, which cannot be set. */
export interface DatabaseClock {
  /** The time by which schedules are evaluated, in milliseconds since 1970. */
  now(): number
  /**
   * Sets the clock from the time that the database returned.
   * @param asked the process's monotonic clock before the query
   * @param answered the same after the query
   * @returns the difference from the expected time, in milliseconds
   */
  set(server: number, asked: number, answered: number): number
}

export function databaseClock(clock: ProcessClock): DatabaseClock {
  let offset: number | null = null
  return {
    now: () => clock.monotonic() + (offset ?? clock.wall() - clock.monotonic()),
    set(server, asked, answered) {
      const measured = server - (asked + answered) / 2
      const drift = offset === null ? 0 : measured - offset
      // After a slow round trip the server may have read its clock far from the midpoint, so the answer is ignored.
      if (offset !== null && answered - asked >= 100 && Math.abs(drift) <= answered - asked) return 0
      offset = measured
      return drift
    },
  }
}
