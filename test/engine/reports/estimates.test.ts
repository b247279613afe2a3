import {expect, it} from 'vitest'
import {readStats} from '../../../src/reports/stats.js'
import {readCompression} from '../../../src/reports/compression.js'
import {forEachEngine} from '../../helpers/engines.js'
import {compressible, compressOldest, fills, numberOf, prices, request} from '../../helpers/catalog-time-series.js'

const fast = {...request, fast: true}

forEachEngine({}, (engine) => {
  it('estimates come from ANALYZE and are marked, and unknown is not zero', async () => {
    const database = await engine.database()
    await fills(database)
    const before = await readStats(database.db, fast)
    expect(before.tables[0]).toMatchObject({
      totalBytes: null,
      sizeBasis: 'estimated',
      skippedChunks: 3,
      bytesPerDay: null,
    })
    expect(before.notes).toEqual([expect.stringContaining('ANALYZE')])
    await database.autocommit('vacuum analyze risk."Fills 1"')
    for (const leaf of ['"Fills 1_y2026m01"', 'f2a', 'f2b']) await database.autocommit(`vacuum analyze risk.${leaf}`)
    const after = await readStats(database.db, fast)
    const exact = (await readStats(database.db, request)).tables[0]!.totalBytes!
    expect(after.tables[0]).toMatchObject({sizeBasis: 'estimated', skippedChunks: 0})
    // Everything except the free space map and the visibility map.
    expect(after.tables[0]!.totalBytes! / exact).toBeGreaterThan(0.6)
    expect(after.tables[0]!.totalBytes! / exact).toBeLessThanOrEqual(1)
    expect(after.notes).toEqual([])
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it("estimates of compressed chunks come from TimescaleDB's records, whatever ANALYZE saw before", async () => {
    const database = await engine.database()
    await prices(database)
    await database.autocommit('analyze prices')
    await compressible(database)
    await compressOldest(database, 6)
    const [row] = (await readStats(database.db, fast)).tables
    const exact = await numberOf(database, `hypertable_size('prices')`)
    expect(row).toMatchObject({sizeBasis: 'estimated', skippedChunks: 0})
    expect(Math.abs(row!.totalBytes! / exact - 1)).toBeLessThan(0.35)
  })

  it('chunks that were compressed with other settings are counted', async () => {
    const database = await engine.database()
    await prices(database)
    await compressible(database)
    await compressOldest(database, 2)
    await database.run(
      `alter table prices set (timescaledb.compress, timescaledb.compress_segmentby = '', timescaledb.compress_orderby = 'coin, time desc nulls last')`,
    )
    await database.run(`select compress_chunk(c) from show_chunks('prices') c order by c offset 2 limit 3`)
    const {tables} = await readCompression(database.db, request)
    expect(tables[0]).toMatchObject({
      table: 'prices',
      chunks: 6,
      compressedChunks: 5,
      oldSettingsChunks: 2,
      orderBy: ['coin', 'time desc nulls last'],
      dueChunks: null,
      notDoneChunks: null,
      late: null,
      toGainBytes: null,
      after: null,
    })
    expect(tables[0]!.liveBytes).toBe(
      await numberOf(
        database,
        `sum(total_bytes) from chunks_detailed_size('prices') d join timescaledb_information.chunks c using (chunk_name) where c.is_compressed`,
      ),
    )
  })

  it('a table without compression is reported only on request', async () => {
    const database = await engine.database()
    await prices(database)
    expect((await readCompression(database.db, request)).tables).toEqual([])
    expect((await readCompression(database.db, {...request, table: 'prices'})).tables).toEqual([
      expect.objectContaining({
        table: 'prices',
        chunks: 6,
        compressedChunks: 0,
        beforeBytes: null,
        liveBytes: null,
        segmentBy: null,
        orderBy: null,
        oldSettingsChunks: null,
      }),
    ])
  })
})
