/**
 * The cost of `policies status` for a server with about 10 000 chunks, 4 000 of them compressed, against the two
 * functions of TimescaleDB that return the size and compression state of each chunk. The time in which the client
 * waits for the database, each round on a new connection.
 */
import {sql, statement} from '../src/db/sql.js'
import {readPolicyStatus} from '../src/policies/status/status.js'
import {timed} from './database-time.js'
import {race, report, timing} from './measure.js'
import {chunks, compressed, rounds, withTenThousandChunks, writing, type Place} from './ten-thousand-chunks.js'

const times: Record<'ours' | 'theirs', number[]> = {ours: [], theirs: []}

async function ours(place: Place): Promise<number> {
  return place.on(async (db) => {
    const sum = {ms: 0, trips: 0}
    const {policies} = await readPolicyStatus(timed(db, sum), {declared: [], lateAfter: 0})
    times.ours.push(sum.ms)
    return policies[0]!.notDone!.length
  })
}

async function theirs(place: Place): Promise<void> {
  await place.on(async (db) => {
    const started = performance.now()
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunks_detailed_size('ticks')`))
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunk_compression_stats('ticks')`))
    times.theirs.push(performance.now() - started)
  })
}

await withTenThousandChunks(
  async (place) => {
    await place.on((db) =>
      db.transaction(writing, (tx) =>
        tx.query(
          statement(
            "select alter_job(job, scheduled => false) from add_compression_policy('ticks', interval '30 days', if_not_exists => true) as job where job > 0",
          ),
        ),
      ),
    )
    const late = await ours(place)
    if (late !== chunks - compressed)
      throw new Error(`The status found ${late} chunks to compress of ${chunks - compressed}.`)
    times.ours.length = 0
    await race(rounds, {ours: () => ours(place), theirs: () => theirs(place)})
    const [status, functions] = [
      timing('policies status', times.ours.slice(1)),
      timing('chunks_detailed_size, chunk_compression_stats', times.theirs.slice(1)),
    ]
    report(
      `Policies of ${chunks} chunks, ${compressed} compressed, ${rounds} interleaved rounds, fresh connections, medians`,
      [status, functions],
      [{what: 'policies status', ratio: status.median / functions.median, atMost: 0.3}],
    )
  },
  {changesNothing: true},
)
