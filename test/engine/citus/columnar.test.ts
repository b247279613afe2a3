import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {planCompress} from '../../../src/chunks/compress.js'
import {readContext, type Context} from '../../../src/chunks/context.js'
import {planDecompress} from '../../../src/chunks/decompress.js'
import type {Database} from '../../../src/db/database.js'
import {compressWork} from '../../../src/jobs/kinds/compress.js'
import type {JobContext} from '../../../src/jobs/kind.js'
import {readPolicyList} from '../../../src/policies/status/list.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readCompression} from '../../../src/reports/compression.js'
import {execute, preview} from '../../../src/run/execute.js'
import {defaultLimits} from '../../../src/run/limits.js'
import type {Plan} from '../../../src/run/step.js'
import {parseDuration} from '../../../src/units/duration.js'
import {parseInstant} from '../../../src/units/instant.js'
import {clusterUrls, createCluster, noCluster, type Cluster} from '../../helpers/citus.js'
import {enginesFor, skipBecause, type TestDatabase} from '../../helpers/engines.js'
import {up} from '../../helpers/migrate-up.js'
import {apply, declare, request as policyRequest} from '../../helpers/policies.js'
import {quick} from '../../helpers/run-steps.js'

const request = {fast: false, late: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter: 0}
const age = {age: parseDuration('1 year')}

/** Two old partitions with rows and one of now. */
async function createTicks({run, autocommit}: TestDatabase, distributed: boolean): Promise<void> {
  await autocommit('create extension if not exists citus_columnar')
  await run(
    'create table ticks (time timestamptz not null, symbol int not null, price numeric, twice numeric generated always as (price * 2) stored, primary key (symbol, time)) partition by range (time)',
  )
  await run("create table ticks_1 partition of ticks for values from ('2020-01-01Z') to ('2020-02-01Z')")
  await run("create table ticks_2 partition of ticks for values from ('2020-02-01Z') to ('2020-03-01Z')")
  await run("create table ticks_3 partition of ticks for values from ('2020-03-01Z') to ('2120-01-01Z')")
  if (distributed) await autocommit("select create_distributed_table('ticks', 'symbol', shard_count => 4)")
  await run(
    "insert into ticks (time, symbol, price) select '2020-01-01Z'::timestamptz + g * interval '1 min', g % 7, g from generate_series(1, 90000) g",
  )
}

const jobContext: JobContext = {
  job: 'compress',
  now: parseInstant('2026-01-01T00:00:00Z'),
  limits: defaultLimits,
  sections: {tables: {}, aggregates: {}},
  leaveToCron: false,
  partitions: () => [],
}
const contextOf = (db: Database): Promise<Context> => readContext(db, 'public.ticks', null)
const compress = async (db: Database) => planCompress(db, {...(await contextOf(db)), choose: age, declared: null})
const go = (db: Database, plan: Plan) => execute(db, plan, {limits: quick, ledger: null})
const sums = ({run}: TestDatabase) =>
  run('select count(*)::int as rows, sum(price)::text as price, sum(twice)::text as twice from ticks')
const methods = ({run}: TestDatabase) =>
  run<{name: string; method: string}>(
    "select c.relname as name, a.amname as method from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_am a on a.oid = c.relam where i.inhparent = 'ticks'::regclass order by 1",
  ).then((rows) => rows.map(({name, method}) => `${name} ${method}`))

interface Place {
  name: string
  distributed: boolean
  open(): Promise<TestDatabase & {close?(): Promise<void>}>
}

const places: Place[] = [
  ...enginesFor({kinds: ['citus'], native: true}).flatMap((engine) =>
    [false, true].map((distributed) => ({
      name: `${engine.name}, ${distributed ? 'distributed' : 'on the coordinator'}`,
      distributed,
      open: () => engine.database(),
    })),
  ),
  ...(clusterUrls.length < 3 ? [] : [{name: 'a coordinator with two workers', distributed: true, open: createCluster}]),
]
if (places.length === 0) skipBecause(noCluster)

describe.each(places)('columnar partitions on $name', ({distributed, open}) => {
  let database: TestDatabase & Partial<Pick<Cluster, 'close'>>

  beforeAll(async () => {
    database = await open()
    await up(database.db)
    await database.db.probe()
    await createTicks(database, distributed)
  }, 120_000)
  afterAll(() => database?.close?.())

  it('are made from old ones, with their rows, and their sizes before and after are recorded', async () => {
    const {db, run} = database
    const before = await sums(database)
    const {plan, notes} = await compress(db)
    expect(notes).toContain(
      'UPDATE, DELETE, MERGE, SELECT … FOR UPDATE or SHARE, and INSERT … ON CONFLICT fail on columnar partitions of public.ticks; plain INSERT works.',
    )
    expect(plan).toMatchObject({summary: expect.stringMatching(/^convert 2 partitions of public\.ticks to columnar/)})
    await preview(db, plan)
    expect(await methods(database), 'a dry run changes nothing').toEqual([
      'ticks_1 heap',
      'ticks_2 heap',
      'ticks_3 heap',
    ])
    const {chunks: old} = await readChunkStats(db, request)
    const {steps} = await go(db, plan)
    expect(steps.map(({id, status, error}) => `${id}: ${error ?? status}`)).toEqual([
      'compress public.ticks_1: done',
      'measure public.ticks_1: done',
      'compress public.ticks_2: done',
      'measure public.ticks_2: done',
    ])
    expect(await methods(database)).toEqual(['ticks_1 columnar', 'ticks_2 columnar', 'ticks_3 heap'])
    expect(await sums(database)).toEqual(before)
    expect((await compress(db)).plan.steps).toEqual([])
    const {chunks} = await readChunkStats(db, request)
    for (const chunk of ['ticks_1', 'ticks_2']) {
      const [size] = await run<{bytes: number}>(
        `select ${distributed ? 'citus' : 'pg'}_total_relation_size('${chunk}') as bytes`,
      )
      expect(chunks.find((one) => one.chunk === chunk)).toMatchObject({
        flags: ['compressed', 'columnar'],
        totalBytes: size!.bytes,
        afterBytes: size!.bytes,
        beforeBytes: old.find((one) => one.chunk === chunk)!.totalBytes,
      })
    }
    expect((await readCompression(db, request)).tables).toMatchObject([{compressedChunks: 2, chunks: 3}])
    await run("insert into ticks (time, symbol, price) values ('2020-01-05Z', 99, 1)")
  })

  it('have their rows in the declared order, which the plan and the report show', async () => {
    const {db, run} = database
    await run(
      'create table sorted (time timestamptz not null, symbol int not null, price int) partition by range (time)',
    )
    await run("create table sorted_1 partition of sorted for values from ('2020-01-01Z') to ('2020-02-01Z')")
    await run("create table sorted_2 partition of sorted for values from ('2020-02-01Z') to ('2120-02-01Z')")
    if (distributed) await database.autocommit("select create_distributed_table('sorted', 'symbol', shard_count => 2)")
    await run(
      "insert into sorted select '2020-01-01Z'::timestamptz + g * interval '1 min', g % 7, nullif(g % 10, 0) from generate_series(1, 5000) g",
    )
    const compression = {
      after: parseDuration('1 year'),
      segmentBy: ['symbol'],
      orderBy: ['price desc nulls last'],
      every: parseDuration('1 day'),
    }
    const declared = declare('public.sorted', {compression})
    const {before, after} = await apply(db, policyRequest([declared]))
    expect(before.changes).toMatchObject([
      {do: 'columnar', why: expect.arrayContaining(['segmentBy symbol']) as string[]},
    ])
    expect(after.changes).toEqual([])
    const {plan, notes} = await planCompress(db, {
      ...(await readContext(db, 'public.sorted', null)),
      choose: null,
      declared: null,
    })
    expect(notes).toContain('Rows are stored in the order "symbol", "price" desc nulls last, "time".')
    expect((await go(db, plan)).steps.map(({status, error}) => error ?? status)).toEqual(['done', 'done'])
    // Without ORDER BY, a scan of columnar storage returns rows as they were written.
    const inOrder = `select count(*) from (select row(symbol, -coalesce(price, -1), time) as now,
      lag(row(symbol, -coalesce(price, -1), time)) over () as before from %s) s where now < before`
    const wrong = distributed
      ? await run(`select result from run_command_on_shards('sorted_1', $$${inOrder}$$)`)
      : await run(
          `select count(*)::text as result from (${inOrder.replace('%s', 'sorted_1')}) s (count) where count > 0`,
        )
    expect(new Set(wrong.map(({result}) => result))).toEqual(new Set(['0']))
    const {tables} = await readCompression(db, request)
    expect(tables.find(({table}) => table === 'sorted')).toMatchObject({
      segmentBy: ['symbol'],
      orderBy: ['price desc nulls last'],
    })
    const {every: _, ...other} = {...compression, orderBy: ['time']}
    const changed = await apply(db, policyRequest([declare('public.sorted', {compression: other})]))
    expect(changed.before.changes).toMatchObject([{why: ['orderBy time, was price desc nulls last']}])
    const [row] = await run<{config: unknown}>("select config from qicore.policies where object = 'public.sorted'")
    expect(row!.config, 'what is not declared is kept').toEqual({
      after: '1 year',
      every: '1 day',
      segmentBy: ['symbol'],
      orderBy: ['time'],
    })
    await run(
      'update qicore.policies set config = config || \'{"orderBy": ["gone"]}\' where object = \'public.sorted\'',
    )
    await expect(
      planCompress(db, {...(await readContext(db, 'public.sorted', null)), choose: null, declared: null}),
    ).rejects.toMatchObject({code: 'NO_SUCH_COLUMN', exitCode: 2, message: expect.stringContaining('gone') as string})
    await run('drop table sorted')
    await run("delete from qicore.policies where object = 'public.sorted'")
  })

  it('are refused before anything is copied if statements change rows, until the rule or the flag allows it', async (context) => {
    const {db, run} = database
    const loaded = await run("select 1 where current_setting('shared_preload_libraries') like '%pg_stat_statements%'")
    if (loaded.length === 0) context.skip('the server does not preload pg_stat_statements')
    await run(
      'create table changed (time timestamptz not null, symbol int not null, price int, primary key (symbol, time)) partition by range (time)',
    )
    await run("create table changed_1 partition of changed for values from ('2020-01-01Z') to ('2020-02-01Z')")
    await run("create table changed_2 partition of changed for values from ('2020-02-01Z') to ('2120-02-01Z')")
    if (distributed) await database.autocommit("select create_distributed_table('changed', 'symbol', shard_count => 2)")
    const plan = async (more: {allowUpdates?: boolean; choose?: typeof age | null} = {}) => {
      const read = await readContext(db, 'public.changed', null)
      return planCompress(db, {...read, choose: age, declared: null, ...more})
    }
    expect((await plan()).notes).toContain(
      'Not checked whether statements change rows of these partitions of public.changed: pg_stat_statements is not installed in this database.',
    )
    await run('create extension pg_stat_statements')
    await db.probe()
    await run("insert into changed values ('2020-01-02Z', 1, 1)")
    await run("update changed_2 set price = 3 where time > '2021-01-01Z'")
    expect((await plan()).notes.join(), 'changed_2 is not converted').not.toContain('Not checked')
    for (const statement of [
      "update changed set price = 2 where symbol = 1 and time = '2021-01-02Z'",
      "delete from public.changed where symbol = 2 and time = '2021-01-02Z'",
      "select * from changed where symbol = 3 and time = '2021-01-02Z' for update",
      "insert into changed values ('2020-01-02Z', 1, 2) on conflict (symbol, time) do nothing",
    ]) {
      // Other tests of the server read the statements of theirs.
      await run(
        'select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)',
      )
      await run(statement)
      await expect(plan(), statement).rejects.toMatchObject({
        code: 'NOT_CONVERTIBLE',
        exitCode: 2,
        message: expect.stringContaining(statement.split(' ').slice(0, 3).join(' ')) as string,
      })
    }
    expect((await plan({allowUpdates: true})).plan.steps).toHaveLength(2)

    const rule = {after: parseDuration('1 year'), segmentBy: null, orderBy: null}
    const refused = await apply(db, policyRequest([declare('public.changed', {compression: rule})]))
    expect(refused.before.notes).toContainEqual(
      expect.stringMatching(/^public\.changed: its partitions will not be converted, .* shows insert into changed/),
    )
    expect(refused.after).toMatchObject({changes: [], notes: []})
    await expect(plan({choose: null}), 'a rule without allowUpdates').rejects.toMatchObject({code: 'NOT_CONVERTIBLE'})
    const allowing = [declare('public.changed', {compression: {...rule, allowUpdates: true}})]
    const {before, after} = await apply(db, policyRequest(allowing))
    expect(before).toMatchObject({changes: [{why: ['allowUpdates true, was false']}], notes: []})
    expect(after.changes).toEqual([])
    expect((await apply(db, policyRequest([declare('public.changed', {compression: rule})]))).before.changes).toEqual(
      [],
    )
    const {policies} = await readPolicyList(db, allowing, 'public.changed')
    expect(policies).toMatchObject([{declared: {allowUpdates: true}, live: {allowUpdates: true}}])
    await expect(plan(), 'a rule says nothing about partitions of another age').rejects.toThrow('accept only INSERT')

    const {work} = await compressWork(db, {tables: ['public.changed']}, jobContext)
    expect(work.problems).toEqual([])
    expect((await go(db, work.plans[0]!)).steps.map(({status, error}) => error ?? status)).toEqual(['done', 'done'])
    for (const failing of [
      "update changed set price = 2 where symbol = 1 and time = '2020-01-02Z'",
      'update changed set price = 2 where symbol = 1',
      'delete from changed where symbol = 1',
      'select * from changed where symbol = 1 for update',
      'select * from changed where symbol = 1 for share',
      "insert into changed values ('2020-01-03Z', 1, 2) on conflict do nothing",
    ])
      await expect(run(failing), failing).rejects.toMatchObject({
        code: expect.stringMatching(/^(0A000|XX000)$/) as string,
      })
    await run("update changed set price = 2 where symbol = 1 and time = '2021-01-02Z'")
    await run('drop table changed')
    await run("delete from qicore.policies where object = 'public.changed'")
    await run('drop extension pg_stat_statements')
    await db.probe()
  })

  it('a size that a killed run did not measure is measured by the next one', async () => {
    const {db, run} = database
    await run('update qicore.columnar_partition set after_bytes = null where name = $1', ['public.ticks_1'])
    const {plan} = await compress(db)
    expect(plan.steps.map(({id}) => id)).toEqual(['measure public.ticks_1'])
    await go(db, plan)
    expect(await run('select 1 from qicore.columnar_partition where after_bytes is null')).toEqual([])
  })

  it('a conversion that fails at its end leaves the partition as it was', async () => {
    const {db} = database
    const before = await sums(database)
    const context = await contextOf(db)
    const span = {start: BigInt(Date.parse('2020-01-01Z')) * 1000n, end: BigInt(Date.parse('2020-02-01Z')) * 1000n}
    const {plan} = await planDecompress(db, {...context, span, declared: null})
    expect(plan.steps.map(({id}) => id)).toEqual(['decompress public.ticks_1'])
    const [step] = plan.steps
    const killed = {...step!, doneCheck: null, statements: [...step!.statements, {text: 'select 1 / 0', values: []}]}
    expect((await go(db, {...plan, steps: [killed]})).steps).toMatchObject([{status: 'failed'}])
    expect(await methods(database)).toEqual(['ticks_1 columnar', 'ticks_2 columnar', 'ticks_3 heap'])
    expect((await go(db, plan)).steps).toMatchObject([{status: 'done'}])
    expect(await methods(database)).toEqual(['ticks_1 heap', 'ticks_2 columnar', 'ticks_3 heap'])
    expect(await sums(database)).toEqual(before)
    expect((await planDecompress(db, {...(await contextOf(db)), span, declared: null})).plan.steps).toEqual([])
  })

  it('keep the privileges, comments, statistics targets and replica identity of the partition', async () => {
    const {db, run, autocommit} = database
    await run(
      'create table kept (time timestamptz not null, symbol int not null, "a b" text) partition by range (time)',
    )
    await run("create table kept_1 partition of kept for values from ('2020-01-01Z') to ('2020-02-01Z')")
    await run("create table kept_2 partition of kept for values from ('2020-02-01Z') to ('2120-02-01Z')")
    for (const text of [
      'create unique index kept_1_key on kept_1 (symbol, time)',
      'alter table kept_1 alter symbol set statistics 321',
      'alter table kept_1 alter "a b" set (n_distinct = -0.5)',
      'alter table kept_1 set (fillfactor = 70)',
      'alter table kept_1 replica identity using index kept_1_key',
      'alter table kept_1 alter "a b" set storage external',
    ])
      await run(text)
    if (distributed) await autocommit("select create_distributed_table('kept', 'symbol', shard_count => 2)")
    for (const text of [
      'grant select, insert on kept_1 to pg_monitor with grant option',
      'grant select on kept_1 to public',
      'revoke delete on kept_1 from current_user',
      "comment on table kept_1 is 'January''s'",
      "comment on column kept_1.symbol is 'a coin'",
    ])
      await run(text)
    // Not on a distributed table: Citus has no privileges of columns there.
    if (!distributed) await run('grant update ("a b") on kept_1 to pg_monitor')
    const own = () =>
      run(`select relacl::text, relreplident, obj_description(c.oid) as comment,
          (select pg_get_indexdef(indexrelid, 1, false) from pg_index where indrelid = c.oid and indisreplident) as identity,
          (select json_agg(json_build_array(attname, coalesce(attstattarget, -1),
            (select option_value from pg_options_to_table(attoptions) where option_name = 'n_distinct'), attacl::text, attstorage,
            col_description(c.oid, attnum)) order by attname) from pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
        from pg_class c where oid = 'kept_1'::regclass`)
    const options = () => run("select reloptions from pg_class where oid = 'kept_1'::regclass")
    const before = await own()
    const context = await readContext(db, 'public.kept', null)
    const {plan, notes} = await planCompress(db, {...context, choose: age, declared: null})
    expect(notes).toContain('public.kept_1 loses its storage parameters (fillfactor=70): columnar storage has none.')
    expect((await go(db, plan)).steps.map(({status, error}) => error ?? status)).toEqual(['done', 'done'])
    expect(await own()).toEqual(before)
    expect(await options()).toEqual([{reloptions: null}])
    // Read when the step runs: a change between plan and run is kept.
    const span = {start: BigInt(Date.parse('2020-01-01Z')) * 1000n, end: BigInt(Date.parse('2020-02-01Z')) * 1000n}
    const back = await planDecompress(db, {...(await readContext(db, 'public.kept', null)), span, declared: null})
    await run("comment on table kept_1 is 'changed since'")
    await go(db, back.plan)
    expect(await own()).toEqual([{...before[0], comment: 'changed since'}])
  })

  it.each([
    ['row level security', 'alter table its_1 enable row level security', 'row security of its own'],
    [
      'a view',
      'create view reads_its_1 as select * from its_1',
      'views or functions that read it (public.reads_its_1)',
    ],
    ['a publication', 'create publication names_its_1 for table its_1', 'a publication that names it (names_its_1)'],
    ['another owner', 'alter table its_1 owner to pg_monitor', 'another owner than its table (pg_monitor)'],
  ])('are refused before anything is copied if the partition has %s of its own', async (_, text, reason) => {
    const {db, run, autocommit} = database
    await run('drop publication if exists names_its_1')
    await run('drop table if exists its cascade')
    await run('create table its (time timestamptz not null, symbol int not null) partition by range (time)')
    await run("create table its_1 partition of its for values from ('2020-01-01Z') to ('2020-02-01Z')")
    await run("create table its_2 partition of its for values from ('2020-02-01Z') to ('2120-02-01Z')")
    if (distributed) await autocommit("select create_distributed_table('its', 'symbol', shard_count => 2)")
    await run(text)
    const context = await readContext(db, 'public.its', null)
    await expect(planCompress(db, {...context, choose: age, declared: null})).rejects.toMatchObject({
      code: 'NOT_CONVERTIBLE',
      exitCode: 2,
      message: expect.stringContaining(reason) as string,
    })
  })

  it('are refused before anything is copied if a foreign key forbids them', async () => {
    const {db, run, autocommit} = database
    await run(
      'create table ours (time timestamptz not null, symbol int not null, price numeric, primary key (symbol, time)) partition by range (time)',
    )
    await run("create table ours_1 partition of ours for values from ('2020-01-01Z') to ('2020-02-01Z')")
    await run("create table ours_2 partition of ours for values from ('2020-02-01Z') to ('2120-02-01Z')")
    await run('create table symbols (id int primary key)')
    if (distributed) {
      await autocommit("select create_reference_table('symbols')")
      await autocommit("select create_distributed_table('ours', 'symbol', shard_count => 4)")
    }
    await run('alter table ours add constraint "known symbol" foreign key (symbol) references symbols')
    const context = await readContext(db, 'public.ours', null)
    await expect(planCompress(db, {...context, choose: age, declared: null})).rejects.toMatchObject({
      code: 'NOT_CONVERTIBLE',
      exitCode: 2,
      message: expect.stringContaining('"known symbol"') as string,
    })
  })
})
