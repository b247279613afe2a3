/**
 * What `doctor` costs a server with about 10 000 chunks, 4 000 of them compressed, against `stats` on the same database;
 * and how many round trips it takes on a small one. Time is what the server itself counts for the sessions of the
 * database (pg_stat_database.active_time), each round on a fresh connection. CHECKS=1 also says what each check costs
 * when it runs alone.
 */
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {examine, selectChecks} from '../src/doctor/examine.js'
import {readStats} from '../src/reports/stats.js'
import {race, report, timing} from './measure.js'
import {chunks, compressed, rounds, withTenThousandChunks, type Place} from './ten-thousand-chunks.js'

const lateAfter = 6 * 3_600_000
const all = selectChecks({only: [], skip: []})
const examined = (db: Database, checks = all) => examine(db, {declared: [], lateAfter, timeUnits: new Map()}, checks)

async function activeMs(place: Place, work: (db: Database) => Promise<unknown>): Promise<number> {
  const before = await place.activeMs()
  await place.on(work)
  return (await place.activeMs()) - before
}

/** Every statement and every transaction of the program waits for the server once. */
function counting(db: Database, count: {trips: number}): Database {
  return {
    ...db,
    server: db.server,
    query: (question, settings) => {
      count.trips += 1
      return db.query(question, settings)
    },
    transaction: (settings, work) => {
      count.trips += 1
      return db.transaction(settings, work)
    },
  }
}

async function tripsOnSmall(place: Place): Promise<number> {
  const count = {trips: 0}
  await place.on(async (db) => {
    await db.transaction({readOnly: false, lockTimeout: 10_000, statementTimeout: 0, searchPath: 'public'}, (tx) =>
      tx.query(statement('drop table ticks')),
    )
    await examined(counting(db, count))
  })
  return count.trips
}

await withTenThousandChunks(async (place) => {
  const taken = {stats: [] as number[], doctor: [] as number[]}
  const stats = (db: Database) =>
    readStats(db, {fast: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter})
  await race(rounds, {
    stats: async () => void taken.stats.push(await activeMs(place, stats)),
    doctor: async () => void taken.doctor.push(await activeMs(place, (db) => examined(db))),
  })
  const timings = [
    timing('stats', taken.stats.slice(1)),
    timing(`doctor, ${all.length} checks`, taken.doctor.slice(1)),
  ] as const
  if (process.env.CHECKS) {
    const none = await activeMs(place, async () => {})
    for (const check of all) {
      const ms = (await activeMs(place, (db) => examined(db, [check]))) - none
      process.stdout.write(`  ${check.id.padEnd(44)} ${ms.toFixed(1).padStart(10)} ms\n`)
    }
  }
  report(
    `Time of the server for ${chunks} chunks, ${compressed} compressed, ${rounds} interleaved rounds, medians`,
    timings,
    [{what: 'doctor over stats', ratio: timings[1].median / timings[0].median, atMost: 1.5}],
  )
  report(
    'Round trips of doctor on a small database',
    [],
    [{what: 'round trips over the most that are allowed', ratio: (await tripsOnSmall(place)) / 12, atMost: 1}],
  )
})
