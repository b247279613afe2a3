import pg from 'pg'
import {expect, it} from 'vitest'
import {readSnapshot} from '../../../src/catalog/snapshot.js'
import {microsOf} from '../../../src/catalog/time.js'
import {lockFinding} from '../../../src/doctor/checks/chunks/counts.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {askDoctor, expectLaw} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {startPostgres18} from '../../helpers/postgres18.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

const request = {lateAfter: 0, timeUnits: new Map()}

/** A hypertable in chunks of an interval, with one row an hour between two times. */
async function addTicks({run}: TestDatabase, name: string, interval: string, from: string, until: string) {
  await run(`create table public.${name} (time timestamptz not null, d int not null, v int not null)`)
  await run(`select create_hypertable('public.${name}', by_range('time', interval '${interval}'))`)
  await run(`insert into public.${name} select g, 1, 1 from generate_series(
    timestamptz '${from}', timestamptz '${until}', interval '1 hour') g`)
}

/** The text after the colon of an advice. */
const sqlOf = (text: string) => text.slice(text.lastIndexOf(': ') + 2)

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  let database: TestDatabase
  const shared = async () => (database ??= await engine.database())

  it('chunks.lock_table: reports the date from which a statement on the whole table needs all locks', async () => {
    const database = await shared()
    await addTicks(database, 'locks', '1 day', '2026-01-01 00:00+00', '2026-01-30 23:00+00')
    const snapshot = await readSnapshot(database.db, request)
    const table = snapshot.tables.find(({name}) => name === 'locks')!
    // The server's clock is not that of the rows.
    const now = microsOf('2026-01-31T00:00:00Z')
    const then = {...snapshot, at: '2026-01-31T00:00:00Z', clocks: new Map([[table, {now, unit: null}]])}
    const row = {relation: table.relation, indexes: 1, per_transaction: 10, sessions: 12}
    // 30 chunks with an index each and the root: 62 locks of 120; with one more chunk a day, 58 are the maximum.
    expect(lockFinding(table, then, row)).toMatchObject({
      severity: 'warning',
      data: {chunks: 30, locksNeeded: 62, locks: 120, chunksPerDay: 1, limitOn: '2026-02-28T00:00:00Z'},
      message: expect.stringContaining('At 1.0 new chunks a day the limit is reached on 2026-02-28.'),
    })
    expect(lockFinding(table, then, {...row, per_transaction: 5})).toMatchObject({severity: 'critical'})
    expect(lockFinding(table, then, {...row, per_transaction: 1000})).toBeNull()
    // A retention of 40 days keeps 40 chunks.
    const after = {months: 0, days: 40, seconds: 0}
    const kept = {...then, policies: [{table, kind: 'retention', after, createdBefore: null} as never]}
    expect(lockFinding(table, kept, row)).toMatchObject({data: {limitOn: null}})
    await database.run('drop table public.locks')
  })

  it('chunks.interval_long: reports that the newest chunk does not fit into shared_buffers', async () => {
    const database = await shared()
    const [finding] = await expectLaw(database, 'chunks.interval_long', async () => {
      await addTicks(database, 'long', '7 days', '2026-01-01 00:00+00', '2026-01-03 00:00+00')
      // As VACUUM would record it for 4 GB.
      await database.run(`update pg_class set relpages = 524288, reltuples = 40000000
        where oid in (select show_chunks('public.long'))`)
    })
    expect(finding).toMatchObject({
      object: {schema: 'public', table: 'long'},
      data: {intervalSeconds: 604_800, chunks: 1},
    })
    expect(finding!.message).toMatch(/^A chunk of 7 days holds about 4\.\d\d GB with its indexes, more than/)
    expect(finding!.fix.text).toMatch(
      /^select public\.set_chunk_time_interval\('public\.long', interval '\d+ hours?'\)$/,
    )
    await database.run('drop table public.long')
  })

  it('chunks.interval_short: reports many tiny chunks; before they are analyzed their size is unknown', async () => {
    const database = await shared()
    const [finding] = await expectLaw(database, 'chunks.interval_short', async () => {
      await addTicks(database, 'tiny', '1 hour', '2026-01-01 00:00+00', '2026-01-05 03:00+00')
      expect(await askDoctor(database, 'chunks.interval_short')).toMatchObject({
        status: 'unknown',
        missingFix: {kind: 'sql', text: 'analyze public.tiny'},
      })
      await database.autocommit('analyze public.tiny')
    })
    expect(finding).toMatchObject({
      message: expect.stringMatching(/^100 chunks of 1 hour with about 24\.0 kB each;/),
      fix: {text: "select public.set_chunk_time_interval('public.tiny', interval '90 days')"},
    })
    await database.run('drop table public.tiny')
  })

  it('chunks.interval_ages: reports a chunk that is longer than the age at which it is dropped', async () => {
    const database = await shared()
    await addTicks(database, 'ages', '7 days', '2026-01-01 00:00+00', '2026-01-01 01:00+00')
    const [finding] = await expectLaw(database, 'chunks.interval_ages', () =>
      database.run("select add_retention_policy('public.ages', interval '7 days')"),
    )
    expect(finding!.message).toContain('Chunks of 7 days with retention after 7 days: a chunk is dropped as a whole')
    expect(finding!.fix.text).toContain("interval '1 day'")
    await database.run('drop table public.ages')
  })

  it('chunks.far_dates: reports rows more than a year ahead and rows of 1970', async () => {
    const database = await shared()
    await addTicks(database, 'dates', '1 day', '2026-01-01 00:00+00', '2026-01-04 00:00+00')
    const findings = await expectLaw(
      database,
      'chunks.far_dates',
      () =>
        database.run("insert into public.dates values ('2120-05-01 00:00+00', 1, 1), ('1970-01-01 00:00+00', 1, 1)"),
      {
        follow: async (fixes) => {
          for (const {text} of fixes) await database.run(sqlOf(text))
        },
      },
    )
    expect(findings.map(({data}) => data)).toEqual([
      {side: 'ahead', chunks: 1, from: '2120-05-01T00:00:00Z', until: '2120-05-02T00:00:00Z'},
      {side: 'before2009', chunks: 1, from: '1970-01-01T00:00:00Z', until: '1970-01-02T00:00:00Z'},
    ])
    const [rows] = await database.run<{count: number}>('select count(*) from public.dates')
    expect(rows).toEqual({count: 73})
    await database.run('drop table public.dates')
  })

  it('chunks.poor_compression: reports whether segmentby is too fine or orderby does not begin with the time', async () => {
    const database = await shared()
    const add = async (name: string, settings: string) => {
      await addTicks(database, name, '30 days', '2026-01-01 00:00+00', '2026-01-01 01:00+00')
      await database.run(`insert into public.${name} select timestamptz '2026-01-02 00:00+00' + n * interval '1 minute',
        n / 5, hashint4(n) from generate_series(1, 2000) n`)
      await database.run(`alter table public.${name} set (timescaledb.compress, ${settings})`)
      await database.run(`select compress_chunk(c) from show_chunks('public.${name}') c`)
    }
    const findings = await expectLaw(database, 'chunks.poor_compression', () =>
      add('fine', "timescaledb.compress_segmentby = 'd', timescaledb.compress_orderby = 'time desc'"),
    )
    expect(findings).toMatchObject([
      {data: {reason: 'segment_too_fine', rowsPerBatch: 5, segmentBy: ['d']}, object: {table: 'fine'}},
    ])
    expect(findings[0]!.fix.text).toBe(
      "alter table public.fine set (timescaledb.compress, timescaledb.compress_segmentby = '', timescaledb.compress_orderby = 'd, time desc')",
    )
    await database.run('drop table public.fine')
  })

  it('chunks.detached: reports a detached chunk with its bytes', async () => {
    const database = await shared()
    await addTicks(database, 'detached', '1 day', '2026-01-01 00:00+00', '2026-01-02 23:00+00')
    const [finding] = await expectLaw(
      database,
      'chunks.detached',
      async () => {
        const [chunk] = await database.run<{c: string}>("select c::text from show_chunks('public.detached') c limit 1")
        await database.autocommit(`analyze ${chunk!.c}`)
        await database.autocommit(`call detach_chunk('${chunk!.c}')`)
      },
      {follow: async ([fix]) => void (await database.run(sqlOf(fix!.text)))},
    )
    expect(finding).toMatchObject({object: {schema: 'public', table: 'detached'}, data: {bytes: 24_576}})
    await database.run('drop table public.detached')
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('chunks.never_compressed: reports enabled compression without a policy and old chunks', async () => {
    const database = await engine.database()
    await addTicks(database, 'never', '1 day', '2026-01-01 00:00+00', '2026-01-02 23:00+00')
    const [finding] = await expectLaw(database, 'chunks.never_compressed', () =>
      database.run("alter table public.never set (timescaledb.compress, timescaledb.compress_orderby = 'time desc')"),
    )
    expect(finding).toMatchObject({data: {chunks: 2, ofChunks: 2, olderThanDays: 30}})
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('chunks.many: reports a table with two thousand partitions', async () => {
    const database = await engine.database()
    await database.run('create table public.many (time timestamptz not null) partition by range (time)')
    const [finding] = await expectLaw(
      database,
      'chunks.many',
      () =>
        // In two levels: attaching the thousandth partition to one table takes as long as the first hundred.
        database.run(`do $$ begin
  for year in 1..20 loop
    execute format('create table public.many_%s partition of public.many for values from (%L) to (%L) partition by range (time)',
      year, make_date(2000 + year, 1, 1), make_date(2001 + year, 1, 1));
    for day in 0..99 loop
      execute format('create table public.many_%1$s_%2$s partition of public.many_%1$s for values from (%3$L) to (%4$L)', year, day,
        make_date(2000 + year, 1, 1) + day, make_date(2000 + year, 1, 2) + day);
    end loop;
  end loop;
end $$`),
      {follow: () => database.run('drop table public.many_1_0')},
    )
    expect(finding!.message).toContain('2000 partitions: a statement without a condition on time')
  })

  it('chunks.tablespace: reports a partition in another tablespace than its table', async () => {
    const database = await engine.database()
    await database.run(`create table public.placed (time timestamptz not null) partition by range (time);
create table public.placed_1 partition of public.placed for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00')`)
    const client = new pg.Client(database.url)
    await client.connect()
    try {
      await client.query('set allow_in_place_tablespaces = on')
      await client.query("create tablespace qicore_test_slow location ''")
      const [finding] = await expectLaw(database, 'chunks.tablespace', () =>
        database.run('alter table public.placed_1 set tablespace qicore_test_slow'),
      )
      expect(finding).toMatchObject({
        data: {tablespace: 'qicore_test_slow', tableTablespace: 'pg_default', chunks: 1},
        fix: {text: 'alter table public.placed_1 set tablespace pg_default'},
      })
      await client.query('drop tablespace qicore_test_slow')
    } finally {
      await client.end()
    }
  })
})

it('chunks.lock_table: reports that a statement on the whole table fails, and after the printed setting it does not', async () => {
  // A table that fills the lock table of the other servers takes half an hour to create.
  const settings: Record<string, string> = {max_connections: '10', autovacuum_max_workers: '1'}
  const own = await startPostgres18({settings: Object.assign(settings, {max_locks_per_transaction: '10'})})
  const connected = async <T>(work: (db: Database) => Promise<T>): Promise<T> => {
    const db = await connect(targetOf(own.url), {applicationName})
    return work(db).finally(() => db.close())
  }
  const ask = () => connected((db) => askDoctor({db}, 'chunks.lock_table'))
  try {
    await connected(async (db) => {
      const run = (text: string) => db.autocommit(writing, statement(text))
      await run('create table public.wide (at timestamptz not null) partition by range (at)')
      expect((await askDoctor({db}, 'chunks.lock_table')).status).toBe('passed')
      // In steps: a step takes locks too.
      for (let first = 0; first < 120; first += 20)
        await run(`do $$ begin for day in ${first}..${first + 19} loop
          execute format('create table public.wide_%s partition of public.wide for values from (%L) to (%L)',
            day, date '2024-01-01' + day, date '2024-01-02' + day);
        end loop; end $$`)
    })
    const {findings} = await ask()
    expect(findings).toMatchObject([{severity: 'critical', object: {table: 'wide'}, data: {chunks: 120, locks: 100}}])
    const wanted = /alter system set (max_locks_per_transaction) = (\d+)/.exec(findings[0]!.fix.text)!
    // The settings of this server are on its command line, which wins over ALTER SYSTEM.
    settings[wanted[1]!] = wanted[2]!
    await own.kill()
    await own.start()
    expect((await ask()).status).toBe('passed')
  } finally {
    await own.stop()
  }
}, 120_000)
