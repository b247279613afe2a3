import {expect, it} from 'vitest'
import {planAdopt} from '../../../src/adopt/plan.js'
import {planFinish, planUndo} from '../../../src/adopt/undo.js'
import {preview} from '../../../src/run/execute.js'
import {adoptRequest, contents, expectSameAsMirror, ticks} from '../../helpers/adopt.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {planDrain} from '../../../src/partitions/drain/drain.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {ruleOf, run, stepResults} from '../../helpers/partitions.js'

const adopt = async ({db}: TestDatabase, more = {}) => run(db, (await planAdopt(db, adoptRequest(more))).plan)
const kindOf = ({run: query}: TestDatabase) =>
  query("select relkind as kind from pg_class where oid = 'public.ticks'::regclass")
const leftSchemas = ({run: query}: TestDatabase) => query("select from pg_namespace where nspname ~ '^qicore_adopt'")
const failed = (report: Awaited<ReturnType<typeof run>>) => report.steps.filter(({status}) => status !== 'done')
/** The same change of both tables. */
const both = async ({run: query}: TestDatabase, change: string) => {
  for (const table of ['ticks', 'mirror']) await query(change.replaceAll('TABLE', table))
}

forEachEngine({}, (engine) => {
  it('a preview changes nothing, a run does what it said, and planning again is empty; so do --undo and --finish', async () => {
    const database = await engine.database()
    const {db} = database
    await database.run(ticks(3_000))
    const {plan} = await planAdopt(db, adoptRequest())
    expect((await preview(db, plan)).steps.every(({status}) => status === 'planned')).toBe(true)
    expect(await leftSchemas(database)).toEqual([])
    expect(stepResults(await run(db, plan))).toEqual(plan.steps.map(({id}) => `${id}: done`))
    expect(await kindOf(database)).toEqual([{kind: 'p'}])
    await expectSameAsMirror(database)
    expect((await planAdopt(db, adoptRequest())).plan.steps).toEqual([])

    const undo = await planUndo(db, 'ticks')
    await preview(db, undo.plan)
    expect(await kindOf(database)).toEqual([{kind: 'p'}])
    expect(failed(await run(db, undo.plan))).toEqual([])
    expect(await kindOf(database)).toEqual([{kind: 'r'}])
    expect(await leftSchemas(database)).toEqual([])
    expect((await planUndo(db, 'ticks')).plan.steps).toEqual([])

    expect(failed(await adopt(database))).toEqual([])
    const finish = await planFinish(db, 'ticks')
    expect(finish.plan.steps.map((step) => step.class)).toEqual(['undo', 'loss'])
    await preview(db, finish.plan)
    expect(await leftSchemas(database)).toHaveLength(2)
    expect(failed(await run(db, finish.plan))).toEqual([])
    expect(await leftSchemas(database)).toEqual([])
    expect((await planFinish(db, 'ticks')).plan.steps).toEqual([])
    await expectSameAsMirror(database)
  })

  it('a default partition is not drained while the adoption could be undone: each move would be a recorded change', async () => {
    const database = await engine.database()
    await database.run(ticks(100))
    expect(failed(await adopt(database))).toEqual([])
    await database.run('create table rest partition of ticks default')
    await database.run("insert into ticks values ('late', '2031-01-01T00:00:00Z', 1, null)")
    const drain = () => planDrain(database.db, {rule: ruleOf('public.ticks'), every: null})
    await expect(drain()).rejects.toMatchObject({
      code: 'DRAIN_REFUSED',
      suggestions: [
        expect.stringMatching(/partitions adopt public\.ticks --finish.*partitions adopt public\.ticks --undo/),
      ],
    })
    expect(failed(await run(database.db, (await planFinish(database.db, 'ticks')).plan))).toEqual([])
    expect((await drain()).plan.steps).not.toEqual([])
  })

  it('a change that is made after any step, even between the last comparison and the swap, is in the new set', async () => {
    const database = await engine.database()
    await database.run(ticks(3_000))
    for (let n = 0; ; n += 1) {
      const {plan} = await planAdopt(database.db, adoptRequest())
      if (plan.steps.length === 0) break
      expect(failed(await run(database.db, {...plan, steps: plan.steps.slice(0, 1)}))).toEqual([])
      const minute = `'2026-01-01T00:00:00Z'::timestamptz + ${n} * interval '2 minutes'`
      await both(database, `insert into TABLE values ('new', ${minute}, ${n}, null)`)
      await both(
        database,
        `update TABLE set price = 77 where symbol = 'a' and time = ${minute} + interval '20 minutes'`,
      )
      await both(
        database,
        `update TABLE set time = time + interval '40 days' where symbol = 'a' and time = ${minute} + interval '40 minutes'`,
      )
      await both(database, `delete from TABLE where symbol = 'a' and time = ${minute} + interval '10 hours'`)
    }
    await expectSameAsMirror(database)
    await both(database, "update TABLE set symbol = 'c' where symbol = 'b' and price = 3")
    await run(database.db, (await planUndo(database.db, 'ticks')).plan)
    expect(await kindOf(database)).toEqual([{kind: 'r'}])
    await expectSameAsMirror(database)
  })

  it('rows that exchange values of another unique key are applied, even one change at a time', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (symbol text, time timestamptz, slot int, label text, primary key (symbol, time));
create unique index ticks_slot on ticks (slot, time) nulls not distinct;
create unique index ticks_label on ticks (lower(label), time) where label is not null;
insert into ticks select symbol, '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 day', slot, symbol
from generate_series(1, 90) n, (values ('a', 1), ('b', 2)) as s (symbol, slot)`)
    const {plan} = await planAdopt(database.db, adoptRequest())
    const compared = plan.steps.findIndex(({kind}) => kind === 'adopt compare')
    await run(database.db, {...plan, steps: plan.steps.slice(0, compared)})
    await database.run(`update ticks set slot = null, label = null where symbol = 'a';
update ticks set slot = 1, label = 'A' where symbol = 'b';
update ticks set slot = 2, label = 'B' where symbol = 'a'`)
    const now = await database.run('select * from ticks order by symbol, time')
    const [{schema}] = (await database.run<{schema: string}>(
      "select nspname as schema from pg_namespace where nspname ~ '^qicore_adopt_'",
    )) as [{schema: string}]
    const applyOne = `select ${schema}.apply_changes('public.ticks', '${schema}.ticks', 1) as taken`
    while ((await database.run<{taken: number}>(applyOne))[0]!.taken > 0);
    expect(await database.run(`select * from ${schema}.ticks order by symbol, time`)).toEqual(now)
    expect(failed(await adopt(database))).toEqual([])
    expect(await database.run('select * from ticks order by symbol, time')).toEqual(now)
  })

  it('a TRUNCATE before the swap empties the new set, one after it is not lost by an undo', async () => {
    const database = await engine.database()
    await database.run(ticks(3_000))
    const {plan} = await planAdopt(database.db, adoptRequest())
    const copied = plan.steps.findIndex(({kind}) => kind === 'adopt index')
    await run(database.db, {...plan, steps: plan.steps.slice(0, copied)})
    await both(database, "truncate TABLE; insert into TABLE values ('a', '2026-01-02T00:00:00Z', 1, null)")
    expect(failed(await adopt(database))).toEqual([])
    await expectSameAsMirror(database)
    await both(database, "truncate TABLE; insert into TABLE values ('b', '2026-01-03T00:00:00Z', 2, null)")
    await run(database.db, (await planUndo(database.db, 'ticks')).plan)
    await expectSameAsMirror(database)
  })

  it('a table that VACUUM FULL rewrites while it is copied is copied again from its beginning', async () => {
    const database = await engine.database()
    await database.run(ticks(3_000))
    const {plan} = await planAdopt(database.db, adoptRequest())
    const recorded = plan.steps.findIndex(({kind}) => kind === 'adopt record')
    await run(database.db, {...plan, steps: plan.steps.slice(0, recorded + 1)})
    await both(database, "delete from TABLE where time < '2026-01-02T00:00:00Z'")
    await database.autocommit('vacuum full public.ticks')
    const rest = await run(database.db, {...plan, steps: plan.steps.slice(recorded + 1)})
    expect(rest.steps[0]!.error).toMatch(/was rewritten while it was copied/)
    expect(failed(await adopt(database))).toEqual([])
    await expectSameAsMirror(database)
  })

  it('rows that differ are found before the swap: the old table keeps its name', async () => {
    const database = await engine.database()
    await database.run(ticks(3_000))
    const {plan} = await planAdopt(database.db, adoptRequest())
    const compared = plan.steps.findIndex(({kind}) => kind === 'adopt compare')
    await run(database.db, {...plan, steps: plan.steps.slice(0, compared)})
    await database.run("update ticks_y2026m01 set price = 55 where time = '2026-01-01T01:00:00Z'")
    const rest = await adopt(database)
    expect(rest.steps.find(({status}) => status === 'failed')?.error).toMatch(
      /the copy of the period from 2026-01-01.* differs: \d+ rows in public\.ticks, \d+ in the copy, with other values/,
    )
    expect(await kindOf(database)).toEqual([{kind: 'r'}])
    await run(database.db, (await planUndo(database.db, 'ticks')).plan)
    expect(await leftSchemas(database)).toEqual([])
    expect(await database.run("select from pg_class where relname like 'ticks\\_y%'")).toEqual([])
  })

  it('a table without a unique key is adopted by an index on its time, with rows that are equal', async () => {
    const database = await engine.database()
    await database.run(ticks(3_000))
    for (const table of ['ticks', 'mirror'])
      await database.run(
        `alter table ${table} drop constraint ${table}_pkey; insert into ${table} select * from ${table} where price < 4`,
      )
    for (let n = 0; ; n += 1) {
      const {plan} = await planAdopt(database.db, adoptRequest())
      if (plan.steps.length === 0) break
      expect(failed(await run(database.db, {...plan, steps: plan.steps.slice(0, 1)}))).toEqual([])
      await both(
        database,
        `insert into TABLE select * from TABLE where price = ${n % 10} and time < '2026-01-01T03:00:00Z'`,
      )
      await both(
        database,
        `update TABLE set price = 99 where price = ${(n + 3) % 10} and time < '2026-01-01T02:00:00Z'`,
      )
    }
    await expectSameAsMirror(database)
  })

  it('an empty table is adopted, with partitions for the current month and the next', async () => {
    const database = await engine.database()
    await database.run(ticks(0))
    expect(failed(await adopt(database))).toEqual([])
    expect(await contents(database, 'ticks')).toEqual({rows: 0, sum: null})
    expect(
      await database.run("select count(*) as partitions from pg_inherits where inhparent = 'ticks'::regclass"),
    ).toEqual([{partitions: 2}])
  })

  it.each([
    ['date', "date '2026-01-01' + g", {every: 'month', zone: 'Europe/Berlin'}, null],
    ['timestamp', "timestamp '2026-01-01' + g * interval '1 day'", {every: '2 weeks', zone: 'America/Havana'}, null],
    [
      'timestamptz',
      "'2026-01-01+00'::timestamptz + g * interval '1 day'",
      {every: 'week', zone: 'America/Havana'},
      null,
    ],
    [
      'bigint',
      '1767225600000 + g * 86400000::bigint',
      {every: 'quarter', zone: 'UTC'},
      {timeUnit: 'ms', keyFormat: null},
    ],
    [
      'uuid',
      "(lpad(to_hex(1767225600000 + g * 86400000::bigint), 12, '0') || '7000800000000000' || lpad(g::text, 4, '0'))::uuid",
      {every: 'month', zone: 'UTC'},
      {timeUnit: null, keyFormat: null},
    ],
  ] as const)(
    'a key of type %s: the partitions are those that `partitions ensure` would create',
    async (type, value, {every, zone}, declared) => {
      const database = await engine.database()
      await database.run(
        `create table ticks (at ${type} primary key, n int); insert into ticks select ${value}, g from generate_series(1, 300) g`,
      )
      const request = {column: 'at', declared, periods: {every, zone, ahead: 2}}
      expect(failed(await adopt(database, request))).toEqual([])
      expect(await database.run('select count(*) as rows, sum(n) as sum from ticks')).toEqual([
        {rows: 300, sum: 45_150},
      ])
      const rule = ruleOf('public.ticks', {every, timezone: zone, ahead: 2, ...declared})
      expect(await planEnsure(database.db, [rule])).toMatchObject({plan: {steps: []}, findings: []})
    },
  )
})
