import {expect, it} from 'vitest'
import {planDetach} from '../../../src/partitions/detach.js'
import {readPartitions} from '../../../src/partitions/list.js'
import {readStats} from '../../../src/reports/stats.js'
import {checkCondition} from '../../../src/cli/condition.js'
import {enginesFor, skipBecause, type Engine, type TestDatabase} from '../../helpers/engines.js'

/** A database with Citus, alone on its server; null if the server does not have it. */
async function withCitus(engine: Engine): Promise<TestDatabase | null> {
  const database = await engine.database()
  if ((await database.run("select from pg_available_extensions where name = 'citus'")).length === 0) return null
  if (!database.db.server.preloaded?.includes('citus')) return null
  await database.autocommit('create extension citus')
  return database
}

const servers = enginesFor({kinds: ['postgres'], native: true})
if (servers.length === 0) skipBecause('no native PostgreSQL in this run')

for (const engine of servers) {
  it(`reports nothing false about tables that Citus distributes, and refuses what cannot work on them, on ${engine.name}`, async (context) => {
    const database = await withCitus(engine)
    if (database === null)
      return context.skip('this server has no Citus; QICORE_TEST_URL can name one that preloads it')
    const {db, run, autocommit} = database
    await run(
      "create table local (time timestamptz not null, v int) partition by range (time); create table local_1 partition of local for values from ('2026-01-01Z') to ('2026-02-01Z'); insert into local select '2026-01-02Z', g from generate_series(1, 1000) g",
    )
    await run(
      "create table ticks (time timestamptz not null, symbol int not null) partition by range (time); create table ticks_1 partition of ticks for values from ('2026-01-01Z') to ('2026-02-01Z'); create table ticks_2 partition of ticks for values from ('2026-02-01Z') to ('2026-03-01Z')",
    )
    await autocommit("select create_distributed_table('ticks', 'symbol')")
    await run("insert into ticks select '2026-01-02Z', g from generate_series(1, 1000) g")
    await autocommit('analyze')
    await db.probe()
    expect(db.server.citus).toMatchObject({worker: false, distributedTables: 3})
    expect(db.server.condition.map(({code}) => code)).toEqual(['distributed_by_citus'])
    for (const fast of [true, false]) {
      const {tables, notes} = await readStats(db, {fast, managed: new Set(), timeUnits: new Map(), lateAfter: 0})
      expect(
        tables.find(({table}) => table === 'ticks'),
        `fast: ${fast}`,
      ).toMatchObject({totalBytes: null})
      expect(tables.find(({table}) => table === 'local')!.totalBytes, `fast: ${fast}`).toBeGreaterThan(8_192)
      expect(notes.join(), 'nobody has them locked').not.toContain('Locked')
    }
    const {partitions} = await readPartitions(db, [], null)
    expect(partitions.filter(({table}) => table === 'ticks')).toMatchObject([
      {totalBytes: null, estimatedRows: null},
      {totalBytes: null, estimatedRows: null},
    ])
    expect(partitions.find(({table}) => table === 'local')).toMatchObject({estimatedRows: 1000})
    const old = {olderThan: {months: 1, days: 0, seconds: 0}, timezone: 'UTC'}
    await expect(planDetach(db, {relation: 'public.ticks', ...old})).rejects.toMatchObject({
      code: 'DISTRIBUTED',
      exitCode: 2,
    })
    await expect(planDetach(db, {relation: 'public.local', ...old})).resolves.toMatchObject({plan: {steps: []}})
    const worker = {...db.server, citus: {...db.server.citus!, worker: true}}
    expect(() => checkCondition(worker, {changes: false, rows: false})).toThrow(
      expect.objectContaining({code: 'WORKER_NODE', exitCode: 2}),
    )
  })
}
