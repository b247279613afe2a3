import {describe, expect, it} from 'vitest'
import {readTables} from '../../../src/catalog/read-tables.js'
import {resolveTable} from '../../../src/catalog/resolve-table.js'
import {qualifiedName} from '../../../src/catalog/table.js'
import {forEachEngine} from '../../helpers/engines.js'
import {fills, prices} from '../../helpers/catalog-time-series.js'

forEachEngine({}, (engine) => {
  describe('a table named by an operator', () => {
    it('is found by name and by schema.name, with the quotes of PostgreSQL', async () => {
      const database = await engine.database()
      await fills(database)
      const tables = await readTables(database.db)
      for (const text of ['risk."Fills 1"', '"Fills 1"', 'RISK . "Fills 1"'])
        expect(qualifiedName(await resolveTable(database.db, tables, text))).toBe('risk."Fills 1"')
    })

    it('that does not exist is NO_SUCH_TABLE, with similar names, and nothing is done', async () => {
      const database = await engine.database()
      await fills(database)
      await database.run('create table events (at timestamptz not null) partition by range (at)')
      const tables = await readTables(database.db)
      const failed = (text: string) =>
        resolveTable(database.db, tables, text).then(
          () => null,
          (error: unknown) => error,
        )
      expect(await failed('nowhere')).toMatchObject({
        code: 'NO_SUCH_TABLE',
        exitCode: 2,
        suggestions: ['List the tables: qicore-db stats'],
      })
      expect(await failed('event')).toMatchObject({
        code: 'NO_SUCH_TABLE',
        suggestions: ['Did you mean public.events?', expect.any(String)],
      })
      expect(await failed('risk.fills')).toMatchObject({code: 'NO_SUCH_TABLE'})
      expect(await failed('Fills 1')).toMatchObject({code: 'BAD_NAME', exitCode: 2})
    })

    it('that is another kind of object is NOT_A_HYPERTABLE with its kind', async () => {
      const database = await engine.database()
      await fills(database)
      await database.run('create table plain (a int)')
      await database.run('create view look as select * from plain')
      const tables = await readTables(database.db)
      const failed = (text: string) =>
        resolveTable(database.db, tables, text).then(
          () => null,
          (error: unknown) => error,
        )
      expect(await failed('plain')).toMatchObject({
        code: 'NOT_A_HYPERTABLE',
        exitCode: 2,
        message: expect.stringContaining('public.plain is an ordinary table'),
      })
      expect(await failed('look')).toMatchObject({code: 'NOT_A_HYPERTABLE', message: expect.stringContaining('a view')})
      expect(await failed('f2a')).toMatchObject({
        code: 'NOT_A_HYPERTABLE',
        message: 'risk.f2a is a partition of risk."Fills 1_y2026m02".',
      })
    })

    it('that exists in two schemas is AMBIGUOUS with the candidates', async () => {
      const database = await engine.database()
      for (const schema of ['a', 'b']) {
        await database.run(`create schema ${schema}`)
        await database.run(`create table ${schema}.t (at timestamptz not null) partition by range (at)`)
      }
      const tables = await readTables(database.db)
      await expect(resolveTable(database.db, tables, 't')).rejects.toMatchObject({
        code: 'AMBIGUOUS',
        exitCode: 2,
        suggestions: ['Use the name with its schema: a.t, b.t.'],
      })
      expect(qualifiedName(await resolveTable(database.db, tables, 'b.t'))).toBe('b.t')
    })
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('a chunk is not accepted as a table, and the storage of an aggregate means the aggregate', async () => {
    const database = await engine.database()
    await prices(database)
    await database.run(
      `create materialized view hourly with (timescaledb.continuous) as select time_bucket('1 hour', time) as b, avg(price) from prices group by 1 with no data`,
    )
    const tables = await readTables(database.db)
    const [chunk] = await database.run<{name: string}>(`select c::text as name from show_chunks('prices') c limit 1`)
    await expect(resolveTable(database.db, tables, chunk!.name)).rejects.toMatchObject({
      code: 'NOT_A_HYPERTABLE',
      message: `${chunk!.name} is a chunk of public.prices.`,
    })
    const [storage] = await database.run<{name: string}>(
      'select materialization_hypertable_name as name from timescaledb_information.continuous_aggregates',
    )
    expect(qualifiedName(await resolveTable(database.db, tables, storage!.name))).toBe('public.hourly')
  })
})
