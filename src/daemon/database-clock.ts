/** The database's clock, counted between two queries by this process's monotonic clock, which cannot be set. */
export interface DatabaseClock {
  /** What the clock that calendars are read by shows, in milliseconds since 1970. */
  now(): number
  /**
   * What the database answered to a question asked and answered at these times of performance.now().
   * @returns by how many milliseconds it differs from what was reckoned
   */
  set(server: number, asked: number, answered: number): number
}

export function databaseClock(): DatabaseClock {
  let offset: number | null = null
  return {
    now: () => performance.now() + (offset ?? Date.now() - performance.now()),
    set(server, asked, answered) {
      const measured = server - (asked + answered) / 2
      const drift = offset === null ? 0 : measured - offset
      // A slow answer says little: its middle may be far from where the server looked at its clock.
      if (offset !== null && answered - asked >= 100 && Math.abs(drift) <= answered - asked) return 0
      offset = measured
      return drift
    },
  }
}
