import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {inStatements} from './statements.js'
import type {SchemaDefinition} from '../../../src/schema/definition.js'
import {createTables} from '../../../src/schema/generate/new-tables.js'
import {qicore} from '../../../src/qicore/definition.js'
import {verifySchema, withSettings} from '../../../src/schema/verify.js'
import {forEachEngine} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'

const desk: SchemaDefinition = {
  ...qicore,
  tables: [
    ...qicore.tables,
    {
      schema: 'desk "b"',
      name: 'Ticks.1',
      doc: '',
      columns: [
        {name: 'time', type: 'timestamptz'},
        {name: 'Best Price', type: 'decimal(10, 2)', default: '0.5'},
      ],
      primaryKey: ['time'],
      checks: [{name: 'price; --', expression: '"Best Price" between 0 and 1e3'}],
      hypertable: {time: 'time', chunkInterval: '1h'},
    },
  ],
}

forEachEngine({}, (engine) => {
  it('finds nothing in a migrated database, whatever else it contains', async () => {
    const database = await engine.database()
    await replay(database)
    await database.run(
      'create table public.unrelated (a int); create schema other; create table other.crypto_prices (a int); create function public.f() returns int language sql as $$ select 1 $$',
    )
    expect(await verifySchema(database.db, qicore)).toEqual([])
    expect(
      (await database.db.query(statement("select datname from pg_database where datname like 'qicore\\_verify%'")))
        .length,
    ).toBe(0)
  })

  it('finds nothing after a dump and restore, which print an expression in another way, and still finds changes', async () => {
    const database = await engine.database()
    await replay(database)
    for (const text of createTables(desk.tables.slice(-1), engine.kind)) await database.run(text)
    const {run} = database
    // A restore adds every check with the text of pg_get_constraintdef, and that text is printed differently
    // afterwards.
    const checks = await run<{alter: string[]; def: string}>(`
      select array[
        format('alter table %s drop constraint %I', conrelid::regclass, conname),
        format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      ] as alter, pg_get_constraintdef(oid) as def
      from pg_constraint where contype = 'c' and coninhcount = 0 and conrelid in ('public.ohlcv_data'::regclass, 'public.crypto_prices'::regclass, '"desk ""b"""."Ticks.1"'::regclass) order by 1`)
    for (const {alter} of checks) for (const text of alter) await run(text)
    const [printed] = await run<{def: string}>(
      "select pg_get_constraintdef(oid) as def from pg_constraint where conname = 'ohlcv_data_timeframe_valid' and conrelid = 'public.ohlcv_data'::regclass",
    )
    expect(checks.map(({def}) => def)).not.toContain(printed!.def)
    expect(await verifySchema(database.db, desk)).toEqual([])
    await run('alter table public.ohlcv_data drop constraint ohlcv_data_timeframe_valid')
    await run(
      `alter table public.ohlcv_data add constraint ohlcv_data_timeframe_valid ${printed!.def.replace("'4h'", "'5h'")}`,
    )
    expect((await verifySchema(database.db, desk)).map(({object, path}) => `${object} ${path}`)).toEqual([
      'public.ohlcv_data constraints.ohlcv_data_timeframe_valid',
    ])
  })

  it("finds a user's table with unusual names as defined, and each change of it", async () => {
    const database = await engine.database()
    await replay(database)
    for (const text of createTables(desk.tables.slice(-1), engine.kind)) await database.run(text)
    expect(await verifySchema(database.db, desk)).toEqual([])
    await database.run('alter table "desk ""b"""."Ticks.1" alter "Best Price" drop default, add extra int')
    const found = await verifySchema(database.db, desk)
    expect(found.map(({path, fix}) => [path, fix])).toEqual([
      ['columns."Best Price".default', 'alter table "desk ""b"""."Ticks.1" alter column "Best Price" set default 0.5'],
      ['columns.extra', null],
    ])
  })

  it('ignores how a table without a definition is made if a key references it', async () => {
    const database = await engine.database()
    await replay(database, ['core'])
    await database.run(
      'create schema hr; create table hr.people (id bigint primary key, "Desk No" integer, name text, unique ("Desk No", id))',
    )
    const own: SchemaDefinition = {
      aggregates: [],
      tables: [
        {
          schema: 'public',
          name: 'orders',
          doc: '',
          columns: [
            {name: 'id', type: 'bigserial'},
            {name: 'person', type: 'bigint'},
            {name: 'desk', type: 'integer'},
          ],
          primaryKey: ['id'],
          foreignKeys: [
            {
              name: 'orders_person_fkey',
              columns: ['person'],
              references: {schema: 'hr', table: 'people', columns: ['id']},
            },
            {
              name: 'orders_desk_fkey',
              columns: ['desk', 'person'],
              references: {schema: 'hr', table: 'people', columns: ['Desk No', 'id']},
            },
          ],
        },
      ],
    }
    for (const text of createTables(own.tables, engine.kind)) await database.run(text)
    expect(await verifySchema(database.db, own)).toEqual([])
    await database.run('alter table public.orders drop constraint orders_desk_fkey')
    expect((await verifySchema(database.db, own)).map(({object, path}) => `${object} ${path}`)).toEqual([
      'public.orders constraints.orders_desk_fkey',
    ])
  })

  it('reports every difference, and the printed statements fix what they claim to fix', async () => {
    const database = await engine.database()
    await replay(database)
    // Citus accepts no trigger on a distributed table.
    const guarded = engine.kind !== 'citus'
    for (const text of await inStatements(`
      alter table public.exchanges drop column trading_fees, alter is_active drop default, alter name type text, add motto text;
      alter table public.exchanges alter api_url set not null;
      drop index public.idx_crypto_prices_symbol_time;
      ${guarded ? 'drop trigger crypto_price_validation_update_trigger on public.crypto_prices;' : ''}
      alter table public.crypto_prices drop constraint crypto_prices_price_positive;
      create or replace function public.create_monthly_partition(table_name text, start_date date) returns regclass language sql as 'select null::regclass'`))
      await database.run(text)
    if (engine.hypertables)
      await database.run("select set_chunk_time_interval('public.level1_data', interval '6 hours')")
    const found = await verifySchema(database.db, qicore)
    expect(
      found.map(({object, path, fix}) => `${object} ${path} ${fix === null ? 'by hand' : 'fix'}`.replace('  ', ' ')),
    ).toEqual([
      'public.create_monthly_partition(text,date) fix',
      `public.crypto_prices constraints.crypto_prices_price_positive ${!engine.hypertables ? 'fix' : 'by hand'}`,
      'public.crypto_prices indexes.idx_crypto_prices_symbol_time fix',
      ...(guarded ? ['public.crypto_prices triggers.crypto_price_validation_update_trigger fix'] : []),
      'public.exchanges columns.api_url.nullable fix',
      'public.exchanges columns.is_active.default fix',
      'public.exchanges columns.motto by hand',
      'public.exchanges columns.name.type by hand',
      'public.exchanges columns.trading_fees fix',
      ...(!engine.hypertables ? [] : ['public.level1_data dimensions[0].interval fix']),
    ])
    for (const {fix} of found)
      if (fix !== null) for (const text of await inStatements(fix)) await database.autocommit(text)
    expect((await verifySchema(database.db, qicore)).map(({path}) => path)).toEqual([
      ...(!engine.hypertables ? [] : ['constraints.crypto_prices_price_positive']),
      'columns.motto',
      'columns.name.type',
    ])
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('leaves chunk interval, compression and number of space partitions to the settings', async () => {
    const database = await engine.database()
    await database.run("select set_config('qicore.space_partitions', '0', false)")
    await replay(database)
    expect(await verifySchema(database.db, qicore)).toEqual([])
    await database.run(
      `select set_chunk_time_interval('public.crypto_prices', interval '1 day'); alter table public.market_analytics set (timescaledb.compress_segmentby = 'source')`,
    )
    expect((await verifySchema(database.db, qicore)).map(({object, path}) => `${object} ${path}`)).toEqual([
      'public.crypto_prices dimensions[0].interval',
      'public.market_analytics compression.segmentBy',
    ])
    const days = (days: number) => ({months: 0, days, seconds: 0})
    const settings = new Map([
      ['public.crypto_prices', {chunkInterval: days(1)}],
      ['public.market_analytics', {compression: {after: days(14), segmentBy: ['source']}}],
    ])
    expect(await verifySchema(database.db, withSettings(qicore, settings))).toEqual([])
    await database.run("select set_config('qicore.space_partitions', '', false)")
  })
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('says what to do if no empty database can be created', async () => {
    const database = await engine.database()
    await replay(database)
    const role = `verify_${Math.random().toString(36).slice(2)}`
    await database.run(
      `create role ${role} login; grant usage on schema qicore to ${role}; grant select on all tables in schema qicore to ${role}`,
    )
    const {connect} = await import('../../../src/db/connect.js')
    const url = database.url.replace(/\/\/[^@]*@/, `//${role}@`)
    const db = await connect({...database.target, url}, {applicationName: 'qicore-db/test'})
    try {
      await expect(verifySchema(db, qicore)).rejects.toMatchObject({code: 'NO_SCRATCH', exitCode: 2})
      const scratch = await engine.database()
      expect(await verifySchema(db, qicore, scratch.url)).toEqual([])
      await expect(verifySchema(db, qicore, scratch.url)).rejects.toMatchObject({
        code: 'SCRATCH_NOT_EMPTY',
        exitCode: 2,
      })
    } finally {
      await db.close()
      await database.run(`drop owned by ${role}; drop role ${role}`)
    }
  })
})

forEachEngine({native: true}, (engine) => {
  it('leaves no database behind if it is interrupted', async () => {
    const database = await engine.database()
    await replay(database)
    const stop = new AbortController()
    const scratches = async () =>
      (
        await database.db.query<{name: string}>(
          statement(
            "select datname as name from pg_database where datname like 'qicore\\_verify%' and datdba = (select oid from pg_roles where rolname = current_user)",
          ),
        )
      ).map(({name}) => name)
    const before = await scratches()
    const verified = verifySchema(database.db, qicore, undefined, stop.signal)
    stop.abort()
    await expect(verified).rejects.toMatchObject({code: 'INTERRUPTED', exitCode: 130})
    // Other tests create some on the same server, which are dropped too.
    const left = (await scratches()).filter((name) => !before.includes(name))
    await expect
      .poll(async () => (await scratches()).filter((name) => left.includes(name)), {timeout: 30_000})
      .toEqual([])
  })
})

describe('settings', () => {
  it('of a table without a definition change nothing', () => {
    expect(
      withSettings(
        qicore,
        new Map([
          ['public.exchanges', {compression: 'none'}],
          ['x.y', {}],
        ]),
      ),
    ).toEqual(qicore)
  })
})
