import {setTimeout as sleep} from 'node:timers/promises'
import type {TestDatabase} from './engines.js'

/**
 * The time in tests. The outcome of a test must not depend on when it runs, and test/clock.test.ts refuses now() and
 * Date.now() elsewhere. Where the program takes a time as an argument, give it a fixed one.
 *
 * Where the program reads the clock of the server (retention by age, "late", the partition of this month), compute
 * every time from `today` or `thisHour`. The server's time zone is UTC, so `today` is a border of every chunk,
 * partition and bucket of a day, and "20 days before today" has the same chunks after it on every day. A test that
 * would run over midnight UTC waits until midnight has passed, because `today` would otherwise change between the
 * insert and the check. Weeks and months have no fixed relation to `today`: give such a bucket an origin computed from
 * it, or take the names of periods from `periodsAhead`.
 */
export const today = "date_trunc('day', now(), 'UTC')"

/** The start of the server's current hour, as SQL. */
export const thisHour = "date_trunc('hour', now(), 'UTC')"

/** Midnight UTC, that many days of 24 hours before `today`, as SQL. */
export const daysAgo = (days: number) => `(${today} - interval '${days * 24} hours')`

/** That many months after the start of the server's month in UTC, as SQL; a negative number is before it. */
export const monthsAhead = (months: number) =>
  `((date_trunc('month', now() at time zone 'UTC') + interval '${months} months') at time zone 'UTC')`

/** Midnight of the server's day in a time zone, as a timestamp without time zone, as SQL. */
export const midnightAt = (zone: string) => `date_trunc('day', now() at time zone '${zone}')`

/** The time of the transaction, as SQL, for a limit that the server compares with now() in the same transaction. */
export const transactionTime = 'now()'

/** So far ahead that a job of TimescaleDB that is scheduled then does not run during a test, as SQL. */
export const notDuringTheTest = `(${today} + interval '10 years')`

/** The names of the partitions of the current period and that many later ones, in a time zone. */
export async function periodsAhead(
  {run}: TestDatabase,
  prefix: string,
  every: 'month' | 'day',
  ahead: number,
  zone = 'UTC',
): Promise<string[]> {
  const format = every === 'day' ? 'YYYY"m"MM"d"DD' : 'YYYY"m"MM'
  const rows = await run<{
    name: string
  }>(`select '${prefix}_y' || to_char(date_trunc('${every}', now() at time zone '${zone}') + n * interval '1 ${every}', '${format}') as name
    from generate_series(0, ${ahead}) n`)
  return rows.map(({name}) => name)
}

const borders = {day: 86_400_000, 'quarter of an hour': 900_000}

/**
 * Returns when at least that many milliseconds are left until the next UTC boundary. Call it before a test that takes
 * longer than a minute, or whose chunks are shorter than a day. Midnight of every time zone is at a quarter of an hour.
 */
export async function clearOf(border: keyof typeof borders, milliseconds: number): Promise<void> {
  const left = borders[border] - (Date.now() % borders[border])
  if (left < milliseconds) await sleep(left + 1_000)
}
