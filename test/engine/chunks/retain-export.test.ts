import {expect, it} from 'vitest'
import {readContext} from '../../../src/chunks/context.js'
import {keptLines, planRetainChunks} from '../../../src/chunks/retain.js'
import {parseDuration} from '../../../src/units/duration.js'
import {preview} from '../../../src/run/execute.js'
import {run, stepResults} from '../../helpers/aggregates.js'
import {daysAgo, thisHour, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {daysLeft, refresh, ticks} from '../../helpers/policies-ticks.js'

async function plan({db}: TestDatabase, to: string, most: number | null = null, name = 'public.ticks') {
  const sections = {tables: {'public.counted': {timeUnit: 'ms' as const}}, aggregates: {}}
  const context = await readContext(db, name, sections)
  const exportTo = {to, format: 'csv' as const}
  const planned = await planRetainChunks(db, {context, after: parseDuration('7d'), exportTo, most})
  return {...planned, lines: keptLines(context.table, planned.kept)}
}

const kinds = (steps: readonly {id: string}[]) => steps.map(({id}) => id.split(' ')[0])

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('keeps what an aggregate has not covered, names it, and goes on with later chunks', async () => {
    const [database, to] = [await ticks(engine), temporaryDirectory()]
    expect((await plan(database, to)).plan.steps).toEqual([])
    await refresh(database, daysAgo(12), today)
    const {plan: planned, lines} = await plan(database, to)
    // Days 20 to 13 are not computed; 12 to 8 are.
    expect(kinds(planned.steps)).toEqual([...Array(5).fill('export'), ...Array(5).fill('drop')])
    expect(lines).toHaveLength(8)
    expect(lines[0]).toMatch(/due and not dropped: public\.daily has not covered/)
    expect((await preview(database.db, planned)).steps.every(({status}) => status === 'planned')).toBe(true)
    expect(await daysLeft(database)).toBe(21)
    // A row that comes after the plan is not covered: its chunk is kept.
    await database.run(`insert into ticks values (${daysAgo(12)} + interval '90 minutes', 5)`)
    const drops = stepResults(await run(database.db, planned)).filter((text) => text.startsWith('drop'))
    expect(drops.map((text) => /: (done|failed)/.exec(text)?.[1]).sort()).toEqual([...Array(4).fill('done'), 'failed'])
    expect(await daysLeft(database)).toBe(17)
    await refresh(database, daysAgo(30), today)
    await run(database.db, (await plan(database, to)).plan)
    expect(await daysLeft(database)).toBe(8)
    expect((await plan(database, to)).plan.steps).toEqual([])
  })

  it('drops at most the confirmed number in a run', async () => {
    const [database, to] = [await ticks(engine), temporaryDirectory()]
    await refresh(database, daysAgo(30), today)
    expect(kinds((await plan(database, to, 3)).plan.steps)).toEqual([
      ...Array(3).fill('export'),
      ...Array(3).fill('drop'),
    ])
  })

  it('drops nothing if the newest row is older than the retention, also if one is dated far in the future', async () => {
    const [database, to] = [await ticks(engine, daysAgo(10)), temporaryDirectory()]
    await refresh(database, daysAgo(40), today)
    const stopped = /may be the last copy/
    expect(await plan(database, to)).toMatchObject({plan: {steps: []}, lines: [expect.stringMatching(stopped)]})
    await database.run(`insert into ticks values (${today} + interval '400 days', 1)`)
    expect(await plan(database, to)).toMatchObject({plan: {steps: []}, lines: [expect.stringMatching(stopped)]})
    await database.run(`insert into ticks values (${thisHour}, 1)`)
    expect((await plan(database, to)).plan.steps).not.toEqual([])
  })
})

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('works on integer time in the declared unit', async () => {
    const [database, to] = [await engine.database(), temporaryDirectory()]
    await database.run(`create table counted (at bigint not null, v int);
select create_hypertable('counted', 'at', chunk_time_interval => 86400000);
insert into counted select extract(epoch from t) * 1000, 1 from generate_series(${daysAgo(20)}, ${thisHour}, interval '1 hour') t`)
    const {plan: planned, lines} = await plan(database, to, null, 'public.counted')
    expect(lines).toEqual([])
    await run(database.db, planned)
    const [row] = await database.run<{oldest: boolean}>(
      `select min(at) = extract(epoch from ${daysAgo(7)}) * 1000 as oldest from counted`,
    )
    expect(row).toEqual({oldest: true})
  })
})
