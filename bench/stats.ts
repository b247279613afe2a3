/**
 * The cost of `stats --json` for a server with about 10 000 chunks, 4 000 of them compressed, against the three
 * functions of TimescaleDB that return the same sizes. The time of the statements as seen by the client, each round on
 * a new connection.
 */
import type {Database} from '../src/db/database.js'
import {sql} from '../src/db/sql.js'
import {readStats} from '../src/reports/stats.js'
import {race, report, timing} from './measure.js'
import {chunks, compressed, rounds, withTenThousandChunks, writing, type Place} from './ten-thousand-chunks.js'

/** Wraps the database and adds up the time of its statements. */
function timed(db: Database, times: {ms: number}): Database {
  const measure = async <T>(work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    try {
      return await work()
    } finally {
      times.ms += performance.now() - started
    }
  }
  return {
    ...db,
    server: db.server,
    query: (question) => measure(() => db.query(question)),
    transaction: (settings, work) => {
      // BEGIN and COMMIT count; the program's own work between the statements does not.
      let between = 0
      let since = 0
      const pending = measure(() =>
        db.transaction(settings, async (tx) => {
          since = performance.now()
          const result = await work({
            async query(question) {
              between += performance.now() - since
              const rows = await tx.query(question)
              since = performance.now()
              return rows as never
            },
          })
          between += performance.now() - since
          return result
        }),
      )
      return pending.finally(() => (times.ms -= between))
    },
  }
}

const times: Record<'stats' | 'reader' | 'theirs', number[]> = {stats: [], reader: [], theirs: []}
const request = {fast: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter: 6 * 3_600_000}

async function ours(place: Place, which: 'stats' | 'reader'): Promise<number | null> {
  return place.on(
    async (db) => {
      const sum = {ms: 0}
      const {tables} = await readStats(timed(db, sum), request)
      times[which].push(sum.ms)
      return tables[0]!.totalBytes
    },
    which === 'reader' ? 'reader' : undefined,
  )
}

async function theirs(place: Place): Promise<number> {
  return place.on(async (db) => {
    const started = performance.now()
    const [size] = await db.transaction(writing, (tx) =>
      tx.query<{bytes: number}>(sql`select total_bytes as bytes from hypertable_detailed_size('ticks')`),
    )
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunks_detailed_size('ticks')`))
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunk_compression_stats('ticks')`))
    times.theirs.push(performance.now() - started)
    return size!.bytes
  })
}

await withTenThousandChunks(async (place) => {
  const sizes = [await ours(place, 'stats'), await ours(place, 'reader'), await theirs(place)]
  if (new Set(sizes).size !== 1) throw new Error(`The sizes differ: ${sizes.join(', ')}`)
  for (const list of Object.values(times)) list.length = 0
  await race(rounds, {
    stats: () => ours(place, 'stats'),
    reader: () => ours(place, 'reader'),
    theirs: () => theirs(place),
  })
  const timings = [
    timing('stats, role that may read the directory', times.stats.slice(1)),
    timing('stats, role that may not', times.reader.slice(1)),
    timing('detailed sizes and compression stats', times.theirs.slice(1)),
  ] as const
  report(
    `Statistics of ${chunks} chunks, ${compressed} compressed, ${rounds} interleaved rounds, fresh connections, medians`,
    timings,
    [
      {what: 'stats, may read the directory', ratio: timings[0].median / timings[2].median, atMost: 0.25},
      {what: 'stats, may not', ratio: timings[1].median / timings[2].median, atMost: 1},
    ],
  )
})
