import {expect, it} from 'vitest'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {compressOldest, compressible, fills, numberOf, prices, request} from '../../helpers/catalog-time-series.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'

/** Chunk or partition to the rows that `stats chunks` gives it. */
async function estimatedRows({db}: TestDatabase): Promise<Record<string, number | null>> {
  const {chunks} = await readChunkStats(db, {...request, late: false})
  return Object.fromEntries(chunks.map(({chunk, estimatedRows: rows}) => [chunk, rows]))
}

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('rows of a chunk are unknown until ANALYZE has counted them', async () => {
    const database = await engine.database()
    await prices(database)
    expect(new Set(Object.values(await estimatedRows(database)))).toEqual(new Set([null]))
    await database.run('analyze prices')
    const counted = await database.run<{chunk: string; rows: number}>(
      'select c.relname as chunk, count(*)::int as rows from prices p join pg_class c on c.oid = p.tableoid group by 1',
    )
    expect(await estimatedRows(database)).toEqual(Object.fromEntries(counted.map(({chunk, rows}) => [chunk, rows])))
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('rows of a compressed chunk are those that compression counted, and unknown once rows were written into it', async () => {
    const database = await engine.database()
    await prices(database)
    await compressible(database)
    const rows = await numberOf(database, "count(*) from prices where time < '2026-01-08'")
    const [qualified] = await compressOldest(database, 1)
    const chunk = qualified!.split('.')[1]!
    expect((await estimatedRows(database))[chunk]).toBe(rows)
    await database.run("insert into prices values ('2026-01-02 00:30:00+00', 'coin 1', 7)")
    expect((await estimatedRows(database))[chunk]).toBeNull()
  })
})

forEachEngine({kinds: ['postgres']}, (engine) => {
  it('rows of a partition are what ANALYZE saw', async () => {
    const database = await engine.database()
    await fills(database)
    expect(await estimatedRows(database)).toMatchObject({'Fills 1_y2026m01': null})
    await database.run('analyze risk."Fills 1"')
    expect(await estimatedRows(database)).toMatchObject({
      'Fills 1_y2026m01': await numberOf(database, 'count(*) from risk."Fills 1_y2026m01"'),
    })
  })
})
