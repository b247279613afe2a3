import {expect, it} from 'vitest'
import {forEachEngine} from '../../helpers/engines.js'
import {stepResults, run} from '../../helpers/aggregates.js'
import {compress, decompress, drop, statuses, tenDays} from '../../helpers/chunks.js'

/** Changes work from 2.18 on: the versions of these that a server has in addition to its own. */
const versions = ['2.18.2', '2.28.3']

const aggregate = `create materialized view a with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '1 week', time) as bucket, dev, sum(1) as n from m group by 1, 2 with no data;`

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it.for(versions)('compresses, decompresses, covers and drops on TimescaleDB %s', async (version, context) => {
    const available = await (await engine.database()).run(
      'select from pg_available_extension_versions where name = $1 and version = $2',
      ['timescaledb', version],
    )
    if (available.length === 0) context.skip('this version is not installed on the server')
    const database = await engine.database({timescaledb: {version}})
    await tenDays(database, aggregate)
    expect(database.db.server.timescaledb).toBe(version)
    const done = async (plan: Awaited<ReturnType<typeof compress>>['plan']) =>
      expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])

    await done((await compress(database.db, 'm', {before: '2024-01-05T00:00:00Z'})).plan)
    await database.run("insert into m values ('2024-01-02 12:34+00', 1, 1)")
    await done((await compress(database.db, 'm', {before: '2024-01-05T00:00:00Z'})).plan)
    await done((await decompress(database.db, 'm', '2024-01-03', '2024-01-04')).plan)
    expect((await statuses(database)).slice(0, 5)).toEqual([1, 1, 0, 1, 0])

    await expect(drop(database.db, 'm', '2024-01-09T00:00:00Z')).rejects.toMatchObject({code: 'NOT_COVERED'})
    await done((await drop(database.db, 'm', '2024-01-09T00:00:00Z', {refreshFirst: true})).plan)
    expect(
      await database.run('select bucket::date::text as week, sum(n)::int as n from a group by 1 order by 1'),
    ).toEqual([
      {week: '2024-01-01', n: 7 * 288 + 1},
      {week: '2024-01-08', n: 3 * 288},
    ])
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 2 * 288}])
    // The next chunk of the week that was partly dropped: what the drop itself logged does not keep it forever.
    await done((await drop(database.db, 'm', '2024-01-10T00:00:00Z')).plan)
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 288}])
    expect(await database.run("select sum(n)::int as n from a where bucket = '2024-01-08+00'")).toEqual([{n: 3 * 288}])
  })
})
