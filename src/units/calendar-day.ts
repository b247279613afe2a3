const dayMs = 86_400_000

/** A day of UTC: `2026-03-01`. */
export type Day = string

/** The day that is that many days later; a negative number is earlier. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)
}
