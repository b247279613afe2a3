/**
 * What `doctor` costs a server with about 10 000 chunks, 4 000 of them compressed, against `stats` on the same database;
 * and how many round trips it takes on a small one. Time is that in which the client waits for the database, each round
 * on a fresh connection. CHECKS=1 also says what each check costs when it runs alone.
 */
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {sql} from '../src/db/sql.js'
import {examine, selectChecks} from '../src/doctor/examine.js'
import type {DoctorReport} from '../src/doctor/report.js'
import {readStats} from '../src/reports/stats.js'
import {BenchDatabases} from './database.js'
import {timed, type DatabaseTime} from './database-time.js'
import {race, report, timing} from './measure.js'
import {chunks, compressed, rounds, withTenThousandChunks, writing, type Place} from './ten-thousand-chunks.js'

const lateAfter = 6 * 3_600_000
const all = selectChecks({only: [], skip: []})
const examined = (db: Database, checks = all) => examine(db, {declared: [], lateAfter, timeUnits: new Map()}, checks)

async function waitedMs(place: Place, work: (db: Database) => Promise<unknown>): Promise<number> {
  const waited: DatabaseTime = {ms: 0, trips: 0}
  await place.on((db) => work(timed(db, waited)))
  return waited.ms
}

/** On the tables of QiCore, without rows. */
async function tripsOnSmall(): Promise<number> {
  const databases = new BenchDatabases()
  const waited: DatabaseTime = {ms: 0, trips: 0}
  try {
    const {database} = await databases.create()
    const url = new URL(process.env.QICORE_TEST_URL!.split(/\s+/)[0]!)
    url.pathname = `/${database}`
    const target = {name: null, url: url.href, source: '--url', protected: false} as const
    const db = await connect(target, {applicationName: 'qicore-db/bench'})
    try {
      known(await examined(timed(db, waited)), new Set(unmeasured))
    } finally {
      await db.close()
    }
  } finally {
    await databases.drop()
  }
  return waited.trips
}

/** Before the first ANALYZE of a new database. */
const unmeasured = ['chunks.interval_long', 'chunks.interval_short', 'chunks.interval_ages', 'indexes.bloat']

/** A check that fails costs little: figures count only where all checks have answered. */
function known({checks}: DoctorReport, except: ReadonlySet<string> = new Set()): void {
  const unknown = checks.filter(({status, id}) => status === 'unknown' && !except.has(id))
  if (unknown.length > 0)
    throw new Error(`not known: ${unknown.map(({id, missing}) => `${id} (${missing})`).join(', ')}`)
}

await withTenThousandChunks(
  async (place) => {
    // As autovacuum does on a server that runs for longer than a benchmark.
    await place.on((db) => db.autocommit(writing, sql`analyze public.ticks`))
    const taken = {stats: [] as number[], doctor: [] as number[]}
    const stats = (db: Database) =>
      readStats(db, {fast: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter})
    await race(rounds, {
      stats: async () => void taken.stats.push(await waitedMs(place, stats)),
      doctor: async () => void taken.doctor.push(await waitedMs(place, async (db) => known(await examined(db)))),
    })
    const timings = [
      timing('stats', taken.stats.slice(1)),
      timing(`doctor, ${all.length} checks`, taken.doctor.slice(1)),
    ] as const
    if (process.env.CHECKS) {
      for (const check of all) {
        const ms = await waitedMs(place, (db) => examined(db, [check]))
        process.stdout.write(`  ${check.id.padEnd(44)} ${ms.toFixed(1).padStart(10)} ms\n`)
      }
    }
    report(
      `Time of the database for ${chunks} chunks, ${compressed} compressed, ${rounds} interleaved rounds, medians`,
      timings,
      [{what: 'doctor over stats', ratio: timings[1].median / timings[0].median, atMost: 1.5}],
    )
    report(
      'Round trips of doctor on a small database',
      [],
      [{what: 'round trips over the most that are allowed', ratio: (await tripsOnSmall()) / 12, atMost: 1}],
    )
  },
  {changesNothing: true},
)
