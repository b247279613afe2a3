import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database, Db} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {applicationName, writing} from '../../helpers/server.js'
import {compressible, compressOldest, fills, numberOf, prices, request} from '../../helpers/catalog-time-series.js'

/** Runs `work` while another session holds the lock that `sql` takes. */
async function whileLocked<T>({target}: TestDatabase, sql: string, work: (other: Database) => Promise<T>): Promise<T> {
  const other = await connect(target, {applicationName})
  try {
    return await other.transaction({...writing, lockTimeout: 1_000}, async (tx) => {
      await tx.query(statement(sql))
      return work(other)
    })
  } finally {
    await other.close()
  }
}

/** The database, with every statement passed to `seen`. */
function watched(db: Database, seen: (text: string, tx: Db) => Promise<void> | void): Database {
  const transaction: Database['transaction'] = (settings, work) =>
    db.transaction(settings, async (tx) => {
      // The sender does not wait for statements that are sent together: the transaction stays open until all results
      // are read.
      const looked: Promise<unknown>[] = []
      const query = <Row extends object>(question: Parameters<Db['query']>[0]): Promise<Row[]> => {
        const rows = tx.query<Row>(question).then(async (answer) => {
          await seen(question.text, tx)
          return answer
        })
        looked.push(rows.catch(() => {}))
        return rows
      }
      const result = await work({query})
      await Promise.all(looked)
      return result
    })
  return {
    ...db,
    server: db.server,
    transaction,
    query: (question) =>
      transaction({readOnly: true, lockTimeout: 50, statementTimeout: 30_000}, (tx) => tx.query(question)),
  }
}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  describe('a locked chunk is left out, counted and never waited for', () => {
    const cases: [string, (chunk: string, compressed: string) => string][] = [
      ['itself', (chunk) => `lock table ${chunk} in access exclusive mode`],
      ['its compressed part', (_, compressed) => `lock table ${compressed} in access exclusive mode`],
      [
        'an index of it',
        (chunk) =>
          `do $$ declare i text; begin select indexrelid::regclass into i from pg_index where indrelid = '${chunk}'::regclass limit 1; execute 'reindex index ' || i; end $$`,
      ],
    ]
    it.each(cases)('if the lock is on %s', async (_, lock) => {
      const database = await engine.database()
      await prices(database)
      await compressible(database)
      const [chunk] = await compressOldest(database, 2)
      const [entry] = await database.run<{compressed: string}>(
        `select compress_relid::text as compressed from _timescaledb_catalog.compression_settings where relid = '${chunk}'::regclass`,
      )
      const size = await numberOf(database, `hypertable_size('prices')`)
      const without =
        size -
        (await numberOf(
          database,
          `pg_total_relation_size('${chunk}') + pg_total_relation_size('${entry!.compressed}')`,
        ))
      // The locks are held until the reports have ended: one that waited for them would not end.
      await whileLocked(database, lock(chunk!, entry!.compressed), async () => {
        const report = await readStats(database.db, request)
        expect(report.tables[0]).toMatchObject({
          totalBytes: without,
          sizeBasis: 'mixed',
          skippedChunks: 1,
          chunks: 6,
          compressedChunks: 2,
          newest: '2026-02-09T23:00:00Z',
        })
        expect(report.notes.join('\n')).toContain('public.prices (1)')
        const {chunks} = await readChunkStats(database.db, {...request, late: false})
        expect(chunks.filter(({totalBytes}) => totalBytes === null)).toEqual([
          expect.objectContaining({chunk: chunk!.split('.')[1], totalBytes: null, beforeBytes: expect.any(Number)}),
        ])
      })
      expect((await readStats(database.db, request)).tables[0]).toMatchObject({
        totalBytes: size,
        sizeBasis: 'exact',
        skippedChunks: 0,
      })
    })

    it('if a session waits for it, behind which every reader would queue', async () => {
      const database = await engine.database()
      await prices(database)
      const [row] = await database.run<{chunk: string}>(
        `select c::text as chunk from show_chunks('prices') c order by c limit 1`,
      )
      const waiter = await connect(database.target, {applicationName})
      try {
        await whileLocked(database, `select count(*) from ${row!.chunk}`, async () => {
          const waiting = waiter.transaction(writing, (tx) =>
            tx.query(statement(`lock table ${row!.chunk} in access exclusive mode`)),
          )
          const queued = async () =>
            (await numberOf(database, `count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'`)) > 0
          for (let tries = 0; tries < 100 && !(await queued()); tries += 1)
            await new Promise((resolve) => setTimeout(resolve, 20))
          const report = await readStats(database.db, request)
          expect(report.tables[0]).toMatchObject({
            sizeBasis: 'mixed',
            skippedChunks: 1,
            oldest: null,
            newest: '2026-02-09T23:00:00Z',
          })
          return {waiting}
        }).then(({waiting}) => waiting)
      } finally {
        await waiter.close()
      }
    })

    it('if the lock is taken after the check', async () => {
      const database = await engine.database()
      await prices(database)
      const chunks = await database.run<{chunk: string; bytes: number}>(
        `select c::text as chunk, pg_total_relation_size(c) as bytes from show_chunks('prices') c order by c`,
      )
      const size = await numberOf(database, `hypertable_size('prices')`)
      const other = await connect(database.target, {applicationName})
      let locks: Promise<unknown> | null = null
      let release = () => {}
      // The first query of pg_locks sees nothing, although the chunk is locked before the sizes are read.
      const lock = () =>
        new Promise<void>((locked) => {
          locks = other.transaction(writing, async (tx) => {
            await tx.query(statement(`lock table ${chunks[3]!.chunk} in access exclusive mode`))
            locked()
            await new Promise<void>((resolve) => (release = resolve))
          })
        })
      const db: Database = {
        ...database.db,
        server: database.db.server,
        async query(question, settings) {
          if (!question.text.includes('pg_locks') || locks !== null) return database.db.query(question, settings)
          await lock()
          const text = question.text.replace('from pg_locks l', 'from (select * from pg_locks where false) l')
          return database.db.query({...question, text}, settings)
        },
      }
      try {
        const report = await readStats(db, request)
        expect(report.tables[0]).toMatchObject({
          totalBytes: size - chunks[3]!.bytes,
          sizeBasis: 'mixed',
          skippedChunks: 1,
        })
      } finally {
        release()
        await locks
        await other.close()
      }
    })
  })

  it('a thousand locked chunks are measured from the data directory, with the same bytes, and no statement holds many locks', async () => {
    const database = await engine.database()
    await database.run('create table many (time timestamptz not null, note text)')
    await database.run(`select create_hypertable('many', 'time', chunk_time_interval => interval '1 hour')`)
    for (let part = 0; part < 4; part += 1)
      await database.run(
        `insert into many select t, repeat('x', 100) from generate_series(timestamptz '2026-01-01' + interval '260 hours' * ${part}, timestamptz '2026-01-01' + interval '260 hours' * ${part + 1} - interval '1 minute', '20 minutes') t`,
      )
    await compressibleMany(database)
    const size = await numberOf(database, `hypertable_size('many')`)
    let most = 0
    let byFile = 0
    const db = watched(database.db, async (text, tx) => {
      const [held] = await tx.query<{n: number}>(
        statement('select count(*)::int as n from pg_locks where pid = pg_backend_pid()'),
      )
      most = Math.max(most, held!.n)
      if (text.includes('cross join lateral pg_ls_dir(')) byFile += 1
    })
    expect((await readStats(db, request)).tables[0]).toMatchObject({
      chunks: 1040,
      totalBytes: size,
      sizeBasis: 'exact',
      skippedChunks: 0,
    })
    expect(byFile).toBe(1)
    expect(most).toBeLessThan(64)

    const [chunk] = await database.run<{chunk: string; bytes: number}>(
      `select c::text as chunk, pg_total_relation_size(c) as bytes from show_chunks('many') c order by c desc offset 500 limit 1`,
    )
    await whileLocked(database, `lock table ${chunk!.chunk} in access exclusive mode`, async () => {
      expect((await readStats(database.db, request)).tables[0]).toMatchObject({
        totalBytes: size - chunk!.bytes,
        sizeBasis: 'mixed',
        skippedChunks: 1,
      })
    })

    // A role that may not read the directory measures each relation.
    await database.run('drop role if exists qicore_test_reader')
    await database.run('create role qicore_test_reader login')
    const reader = await connect(
      {...database.target, url: database.url.replace(/\/\/[^@]*@/, '//qicore_test_reader@')},
      {applicationName},
    )
    try {
      byFile = 0
      most = 0
      const item = watched(reader, async (text, tx) => {
        const [held] = await tx.query<{n: number}>(
          statement('select count(*)::int as n from pg_locks where pid = pg_backend_pid()'),
        )
        most = Math.max(most, held!.n)
        if (text.includes('cross join lateral pg_ls_dir(')) byFile += 1
      })
      const report = await readStats(item, request)
      expect(report.tables[0]).toMatchObject({
        chunks: 1040,
        totalBytes: size,
        sizeBasis: 'exact',
        oldest: null,
        newest: null,
      })
      expect(report.notes.join('\n')).toContain('No privilege to read public.many')
      expect(byFile).toBe(0)
      expect(most).toBeLessThan(64)
    } finally {
      await reader.close()
      await database.run('drop role qicore_test_reader')
    }
  })
})

async function compressibleMany({run}: TestDatabase): Promise<void> {
  await run(`alter table many set (timescaledb.compress, timescaledb.compress_orderby = 'time desc')`)
  await run(`select compress_chunk(c) from show_chunks('many') c order by c limit 30`)
}

forEachEngine({native: true}, (engine) => {
  it('a locked partition is left out', async () => {
    const database = await engine.database()
    await fills(database)
    const january = await numberOf(database, `pg_total_relation_size('risk."Fills 1_y2026m01"')`)
    const {totalBytes} = (await readStats(database.db, request)).tables[0]!
    await whileLocked(database, 'lock table risk."Fills 1_y2026m01" in access exclusive mode', async () => {
      const report = await readStats(database.db, request)
      expect(report.tables[0]).toMatchObject({
        totalBytes: totalBytes! - january,
        sizeBasis: 'mixed',
        skippedChunks: 1,
        oldest: null,
        newest: '2026-02-19T23:05:06.789Z',
      })
    })
  })
})
