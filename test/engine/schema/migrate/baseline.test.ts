import {expect, it} from 'vitest'
import type {OpsError} from '../../../../src/errors.js'
import {execute} from '../../../../src/run/execute.js'
import {planBaseline} from '../../../../src/schema/migrate/baseline.js'
import {readRecorded} from '../../../../src/schema/migrate/recorded.js'
import {planFor, requestFor} from '../../../../src/schema/migrate/request.js'
import {forEachEngine, type TestDatabase} from '../../../helpers/engines.js'
import {quick} from '../../../helpers/run-steps.js'
import {replay} from '../../../helpers/schema-replay.js'
import {up, withMigrations} from '../../../helpers/migrate-up.js'

/** QiCore's tables as another tool would have created them: existing, and not recorded. */
async function foreign(database: TestDatabase): Promise<void> {
  await up(database.db, {stream: 'core'})
  await replay(database, ['qicore'])
}

forEachEngine({kinds: ['citus']}, (engine) => {
  it('records the distributed tables, whose migration drops triggers of an earlier one', async () => {
    const database = await engine.database()
    await foreign(database)
    const {db} = database
    const {request} = await requestFor(db, {})
    const report = await execute(db, await planBaseline(db, request, '1.6.0'), {limits: quick, ledger: null})
    expect(report.steps.map(({status}) => status)).toEqual(report.steps.map(() => 'done'))
    expect((await readRecorded(db)).map(({version}) => version)).toContain('1.6.0')
    await expect(planBaseline(db, request, '1.4.0')).resolves.toMatchObject({steps: []})
  })
})

// On Citus, the distribution of 1.6.0 drops the triggers of 1.4.0.
forEachEngine({not: ['citus']}, (engine) => {
  it('records existing objects without running the migrations, and migrate up continues after them', async () => {
    const database = await engine.database()
    await foreign(database)
    const {db, run} = database
    await run('drop procedure public.maintain_hypertables()')
    const {request} = await requestFor(db, {})
    const plan = await planBaseline(db, request, '1.4.0')
    expect(plan.steps.map(({id}) => id)).toEqual(
      ['tables', 'exchanges', ...(engine.kind === 'timescaledb' ? ['compression'] : []), 'aggregates', 'checks'].map(
        (name) => expect.stringContaining(` ${name}`),
      ),
    )
    const report = await execute(db, plan, {limits: quick, ledger: null})
    expect(report.steps.every(({status}) => status === 'done')).toBe(true)
    expect((await planBaseline(db, request, '1.4.0')).steps).toEqual([])
    const recorded = (await readRecorded(db)).filter(({stream}) => stream === 'qicore')
    expect(recorded.map(({version}) => version).sort()).toEqual([
      '1.0.0',
      '1.1.0',
      ...(engine.kind === 'timescaledb' ? ['1.2.0'] : []),
      '1.3.0',
      '1.4.0',
    ])
    expect(recorded.every((row) => row.engine === engine.kind && row.checksum!.length === 64)).toBe(true)
    // The objects of 1.5.0 exist too: the request is refused before anything is done.
    await expect(planFor(db, {stream: 'qicore'})).rejects.toMatchObject({
      code: 'ALREADY_THERE',
      exitCode: 3,
      message:
        'qicore/0006_routines.sql creates objects that already exist in this database: public.schema_versions, public.maintenance_log. Nothing was done.',
    })
  })

  it('refuses a version of which objects are missing, and names them', async () => {
    const database = await engine.database()
    await foreign(database)
    const {db, run} = database
    await run(
      'alter table crypto_prices drop constraint fk_crypto_prices_exchange; drop index idx_ohlcv_coin_timeframe_time; drop trigger crypto_price_validation_trigger on crypto_prices; drop view maintenance_log',
    )
    const {request} = await requestFor(db, {})
    await expect(planBaseline(db, request, '1.5.0')).rejects.toMatchObject({
      code: 'NOT_THERE',
      exitCode: 3,
      message:
        'This database is not at version 1.5.0; missing:\n- public.idx_ohlcv_coin_timeframe_time\n- constraint fk_crypto_prices_exchange on public.crypto_prices\n- trigger crypto_price_validation_trigger on public.crypto_prices\n- public.maintenance_log',
    })
    await expect(planBaseline(db, request, '7.0.0')).rejects.toMatchObject({code: 'NO_SUCH_VERSION', exitCode: 2})
    expect((await readRecorded(db)).filter(({stream}) => stream === 'qicore')).toEqual([])
  })
})

forEachEngine({}, (engine) => {
  it('migrate up refuses before it begins if the tables of a migration already exist, also as ordinary tables', async () => {
    const database = await engine.database()
    const {db, run} = database
    await run(
      'create table public.ohlcv_data (time timestamptz not null); create table public.exchanges (id text primary key)',
    )
    const error = await planFor(db, !engine.hypertables ? {engine: 'postgres'} : {}).then(
      () => null,
      (thrown: unknown) => thrown as OpsError,
    )
    expect(error).toMatchObject({
      code: 'ALREADY_THERE',
      exitCode: 3,
      message: expect.stringMatching(
        /^qicore\/0001_tables.* creates objects that already exist in this database: public\.ohlcv_data \(an ordinary table\), public\.exchanges \(an ordinary table\)\. Nothing was done\.$/,
      ) as string,
    })
    expect(error!.suggestions.join('\n').includes('create_hypertable')).toBe(engine.hypertables)
    expect(await run("select to_regnamespace('qicore') is null as untouched")).toEqual([{untouched: true}])
    // A migration may create again what it drops or renames first.
    const configDirectory = withMigrations({
      '0001_a.sql': '-- version: 1.0.0\ndrop table public.exchanges;\ncreate table public.exchanges (x int);\n',
    })
    await up(db, {configDirectory, stream: 'app', engine: db.server.timescaledb === null ? 'postgres' : undefined})
    expect(
      await run("select attname from pg_attribute where attrelid = 'public.exchanges'::regclass and attnum > 0"),
    ).toEqual([{attname: 'x'}])
  })
})
