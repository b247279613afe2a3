import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {planDrain} from '../../../src/partitions/drain/drain.js'
import {root} from '../../helpers/build.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {ruleOf, run} from '../../helpers/partitions.js'

const rows = 200_000
/** How many runs are killed; an operator can try more. */
const kills = Number(process.env.QICORE_TEST_KILLS ?? 8)

const checksum = ({run: query}: TestDatabase, from: string) =>
  query<{rows: number; sum: string}>(
    `select count(*)::int as rows, sum(('x' || left(md5(t::text), 15))::bit(60)::int8)::text as sum from (${from}) t`,
  ).then(([row]) => row!)

/** The rows of the set and those that a killed run left in a table beside it. */
async function everyRow(database: TestDatabase): Promise<string> {
  const left = await database.run<{relation: string}>(
    "select c.oid::regclass::text as relation from pg_class c join pg_description d on d.objoid = c.oid and d.objsubid = 0 where d.description like 'a drain of a default partition%' and not c.relispartition",
  )
  return ['select * from ticks', ...left.map(({relation}) => `select * from ${relation}`)].join(' union all ')
}

async function waitForSessions(database: TestDatabase): Promise<void> {
  for (let left = true; left; await sleep(20))
    left =
      (
        await database.run(
          "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/partitions%'",
        )
      ).length > 0
}

async function fill({run: query}: TestDatabase): Promise<void> {
  await query(`drop table if exists ticks cascade; create table ticks (id bigint, time timestamptz not null, x text, primary key (id, time)) partition by range (time);
create index on ticks (time); create table rest partition of ticks default;
insert into ticks select n, timestamptz '2024-01-01+00' + n * interval '1 minute', repeat('x', n % 30) from generate_series(1, ${rows}) n`)
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a drain that is killed again and again loses and doubles no row, and the next run finishes it', async () => {
    const database = await engine.database()
    await fill(database)
    const before = await checksum(database, 'select * from ticks')
    const cwd = temporaryDirectory()
    const delays = fc.sample(fc.integer({min: 0, max: 250}), {numRuns: kills, seed: 15})
    let interrupted = 0
    for (const delay of delays) {
      const child = spawn(
        process.execPath,
        [join(root, 'bin/run.js'), 'partitions', 'drain', 'ticks', '--yes', '--url', database.url],
        {cwd, env: {PATH: process.env.PATH ?? '', HOME: cwd}, stdio: 'ignore'},
      )
      // From the moment at which it does something, not while Node starts.
      for (let working = false; !working && child.exitCode === null; await sleep(5))
        working =
          (
            await database.run(
              "select from pg_stat_activity where datname = current_database() and application_name like 'qicore-db/partitions%' and (query ilike 'do %' or query ilike '%attach%')",
            )
          ).length > 0
      await sleep(delay)
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await waitForSessions(database)
      const all = await everyRow(database)
      const [{left}] = (await database.run<{left: number}>('select count(*)::int as left from only rest')) as [
        {left: number},
      ]
      expect(await checksum(database, all)).toEqual(before)
      if (left > 0 || all.includes('union')) interrupted += 1
      else await fill(database)
    }
    expect(interrupted).toBeGreaterThan(1)
    const rule = ruleOf('public.ticks')
    const {plan} = await planDrain(database.db, {rule, every: 'month'})
    expect((await run(database.db, plan)).steps.filter(({status}) => status === 'failed')).toEqual([])
    expect(await checksum(database, 'select * from ticks')).toEqual(before)
    expect(await database.run('select count(*)::int as n from only rest')).toEqual([{n: 0}])
    expect((await planDrain(database.db, {rule, every: 'month'})).plan.steps).toEqual([])
  }, 300_000)
})
