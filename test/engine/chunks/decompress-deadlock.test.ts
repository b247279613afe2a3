import {expect, it} from 'vitest'
import {highest, lowest} from '../../../src/catalog/span.js'
import {readContext} from '../../../src/chunks/context.js'
import {planDecompress} from '../../../src/chunks/decompress.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits, type Limits} from '../../../src/run/limits.js'
import type {Progress} from '../../../src/run/run-step.js'
import type {RunReport} from '../../../src/run/step.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'

/** The lock timeout is longer than the server needs to detect a deadlock. */
const patient: Limits = {...defaultLimits, exclusiveLockTimeout: 20_000, firstRetry: 50, longestRetry: 100}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('a decompression that the server aborted as a deadlock is not done, and is retried within the budget', async () => {
    const database = await compressed()
    const retried = await besideUpdate(database, {...patient, retryBudget: 60_000})
    expect(retried.report.steps).toMatchObject([{status: 'done', attempts: 2}])
    expect(retried.waits).toHaveLength(1)
    expect(await chunksCompressed(database)).toBe(0)

    await database.autocommit("select compress_chunk(c) from show_chunks('t') c")
    const {report} = await besideUpdate(database, {...patient, retryBudget: 0})
    expect(report.steps).toMatchObject([
      {status: 'failed', attempts: 1, reason: {code: 'blocked'}, error: expect.stringContaining('40P01')},
    ])
    expect(await chunksCompressed(database)).toBe(1)
  })

  async function compressed(): Promise<TestDatabase> {
    const database = await engine.database()
    for (const text of [
      'create table t (time timestamptz not null, v int)',
      "select create_hypertable('t', 'time', chunk_time_interval => interval '1 day')",
      "insert into t select '2024-01-01Z'::timestamptz + interval '700 ms' * n, n from generate_series(0, 120000) n",
      "alter table t set (timescaledb.compress, timescaledb.compress_orderby = 'time')",
      "select compress_chunk(c) from show_chunks('t') c",
    ])
      await database.run(text)
    return database
  }

  const chunksCompressed = async ({run}: TestDatabase) =>
    (await run<{n: number}>('select count(*)::int as n from timescaledb_information.chunks where is_compressed'))[0]!.n

  /**
   * The locks of an UPDATE during a decompression: it holds ACCESS SHARE from planning and waits for ROW EXCLUSIVE
   * until the copy ends; the decompression, which copies under EXCLUSIVE, then requests ACCESS EXCLUSIVE.
   */
  async function besideUpdate(
    {db, run}: TestDatabase,
    limits: Limits,
  ): Promise<{report: RunReport; waits: Progress[]}> {
    const context = await readContext(db, 'public.t', null)
    const {plan} = await planDecompress(db, {...context, declared: null, span: {start: lowest, end: highest}})
    const application = await db.openSession()
    const waits: Progress[] = []
    const [{chunk}] = (await run<{chunk: string}>("select c::text as chunk from show_chunks('t') c")) as [
      {chunk: string},
    ]
    try {
      let work: Promise<RunReport> | undefined
      await application.transaction({...writing, lockTimeout: 0}, async (tx) => {
        await tx.query(statement(`lock table only ${chunk} in access share mode`))
        work = execute(db, plan, {
          limits,
          ledger: null,
          onProgress: (progress) => void (progress.event === 'wait' && waits.push(progress)),
        })
        work.catch(() => {})
        await until(
          tx,
          `select exists (select from pg_locks where granted and mode = 'ExclusiveLock' and relation = '${chunk}'::regclass) as yes`,
        )
        await tx.query(statement(`lock table only ${chunk} in row exclusive mode`))
      })
      return {report: await work!, waits}
    } finally {
      await application.close()
    }
  }
})

/** Polled without a pause: the copy takes less than a second. */
async function until(tx: Pick<Database, 'query'>, question: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await tx.query<{yes: boolean}>(statement(question)))[0]!.yes)
    if (performance.now() > deadline) throw new Error(`not true within 10 s: ${question}`)
}
