import {describe, expect, it} from 'vitest'
import {askDoctor, expectLaw, followFix} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'

/** A hypertable with a row on each of four days of 2024, and a view of daily maxima that was never refreshed. */
async function daily({run, autocommit}: TestDatabase): Promise<void> {
  await run('create table ticks (time timestamptz not null, v float)')
  await run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day')")
  await run("insert into ticks select t, 1 from generate_series(timestamptz '2024-01-01', '2024-01-04', '1 day') t")
  await autocommit(
    "create materialized view daily with (timescaledb.continuous) as select time_bucket('1 day', time) as day, max(v) from ticks group by 1 with no data",
  )
}

const late = "insert into ticks values ('2024-01-02 12:00', 9)"

// The fixes are commands of this program, and only a server lets another process run them.
forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  describe('doctor, aggregates', () => {
    it('finds one that was never refreshed', async () => {
      const database = await engine.database()
      const [found] = await expectLaw(database, 'aggregates.never_refreshed', () => daily(database))
      expect(found).toMatchObject({object: {schema: 'public', table: 'daily'}, severity: 'warning'})
    })

    it('finds one over integers of an unknown unit, and prints a refresh of its integers', async () => {
      const database = await engine.database()
      const [found] = await expectLaw(database, 'aggregates.never_refreshed', async () => {
        await database.run('create table numbered (n bigint not null, v int)')
        await database.run("select create_hypertable('numbered', 'n', chunk_time_interval => 1000)")
        await database.run('insert into numbered select n, 1 from generate_series(0, 2999) n')
        await database.run(
          "create function last_number() returns bigint language sql stable as 'select 3000::bigint'; select set_integer_now_func('numbered', 'last_number')",
        )
        await database.autocommit(
          'create materialized view hundreds with (timescaledb.continuous) as select time_bucket(100::bigint, n) as b, count(*) as rows from numbered group by 1 with no data',
        )
      })
      expect(found!.fix).toEqual({
        kind: 'command',
        text: 'qicore-db aggregates refresh public.hundreds --from 0 --to 3000',
      })
      expect(await database.run('select sum(rows)::int as rows from hundreds')).toEqual([{rows: 3000}])
    })

    it.each([
      ['without a refresh policy', '', 'it has no refresh policy'],
      [
        'before the window of its policy',
        "select add_continuous_aggregate_policy('daily', interval '10 days', interval '1 day', interval '1 day', initial_start => '2100-01-01')",
        'its refresh policy reaches back 10 days only',
      ],
    ])('finds rows that changed %s', async (_, policy, why) => {
      const database = await engine.database()
      await daily(database)
      await database.autocommit("call refresh_continuous_aggregate('daily', null, '2024-01-05')")
      if (policy !== '') await database.run(policy)
      const [found] = await expectLaw(database, 'aggregates.pending_unreachable', () => database.run(late))
      expect(found!.message).toContain(why)
      expect(found!.data).toMatchObject({ranges: 1, from: '2024-01-02T00:00:00Z', to: '2024-01-03T00:00:00Z'})
    })

    it('finds one whose watermark is in the future, and the fix sets it back', async () => {
      const database = await engine.database()
      await daily(database)
      const refresh = () => database.autocommit("call refresh_continuous_aggregate('daily', null, null)")
      await refresh()
      const [found] = await expectLaw(
        database,
        'aggregates.watermark_ahead',
        async () => {
          await database.run("insert into ticks values ('2099-01-01', 1)")
          await refresh()
        },
        {
          follow: async ([fix]) => {
            await database.run("delete from ticks where time > '2098-01-01'")
            await refresh()
            await database.run(fix!.text.slice(fix!.text.indexOf('update _timescaledb_catalog')))
          },
        },
      )
      expect(found).toMatchObject({
        object: {schema: 'public', table: 'daily'},
        severity: 'warning',
        data: {watermark: '2099-01-02T00:00:00Z'},
      })
      const [row] = await database.run<{until: string}>(
        'select _timescaledb_functions.to_timestamp(watermark)::text as until from _timescaledb_catalog.continuous_aggs_watermark',
      )
      expect(row!.until).toContain('2024-01-05')
    })

    it('finds one that is larger than its source and not compressed', async () => {
      const database = await engine.database()
      await daily(database)
      await database.autocommit("call refresh_continuous_aggregate('daily', null, '2024-01-05')")
      const unknown = await askDoctor(database, 'aggregates.larger_than_source')
      expect(unknown).toMatchObject({status: 'unknown', missingFix: {kind: 'sql'}})
      await followFix(database, unknown.missingFix!)
      await database.run('analyze ticks')
      // Before 2.27.2 the server takes a compression policy only where there is one of refresh.
      await database.run(
        "select add_continuous_aggregate_policy('daily', interval '10 days', interval '1 day', interval '1 day', initial_start => '2100-01-01')",
      )
      await expectLaw(database, 'aggregates.larger_than_source', () =>
        // The sizes are those of the last ANALYZE: 100 000 pages are 781 MB.
        database.run(`update pg_class set relpages = 100000, reltuples = 1e7 where oid = (
          select format('%I.%I', chunk_schema, chunk_name)::regclass from timescaledb_information.chunks
          where hypertable_name like '\\_materialized%' limit 1)`),
      )
    })
  })
})
