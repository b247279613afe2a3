/**
 * The cost of `stats --json` for a server with about 10 000 chunks, 4 000 of them compressed, against the three
 * functions of TimescaleDB that return the same sizes. The time in which the client waits for the database,
 * each round on a new connection.
 */
import {sql} from '../src/db/sql.js'
import {readStats} from '../src/reports/stats.js'
import {timed} from './database-time.js'
import {race, report, timing} from './measure.js'
import {chunks, compressed, rounds, withTenThousandChunks, writing, type Place} from './ten-thousand-chunks.js'

const times: Record<'stats' | 'reader' | 'theirs', number[]> = {stats: [], reader: [], theirs: []}
const request = {fast: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter: 6 * 3_600_000}

async function ours(place: Place, which: 'stats' | 'reader'): Promise<number | null> {
  return place.on(
    async (db) => {
      const sum = {ms: 0, trips: 0}
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

await withTenThousandChunks(
  async (place) => {
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
  },
  {changesNothing: true},
)
