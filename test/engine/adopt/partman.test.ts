import {expect, it} from 'vitest'
import {everyOf} from '../../../src/adopt/partman.js'
import {planAdopt} from '../../../src/adopt/plan.js'
import {planEnsure} from '../../../src/partitions/ensure.js'
import {adoptRequest} from '../../helpers/adopt.js'
import {forEachEngine} from '../../helpers/engines.js'
import {ruleOf, run, stepResults} from '../../helpers/partitions.js'

it.each([
  ['1 mon', 'month'],
  ['1 month', 'month'],
  ['3 mons', 'quarter'],
  ['7 days', 'week'],
  ['1 day', 'day'],
  ['01:00:00', 'hour'],
  ['06:00:00', '6 hours'],
  ['1 year', 'year'],
  ['00:15:00', null],
  ['10000', null],
])('the interval %s of pg_partman is the period %s', (interval, every) => {
  expect(everyOf(interval)).toBe(every)
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a set of pg_partman is taken over: its row is named and removed, then the set is declared', async (context) => {
    const database = await engine.database()
    const refused = await database
      .run('create schema "Part.man"; create extension pg_partman schema "Part.man"')
      .then(() => null, String)
    if (refused !== null) {
      process.stderr.write(`skipped: pg_partman: ${refused}\n`)
      return context.skip(refused)
    }
    await database.run('create table ticks (time timestamptz not null, x int) partition by range (time)')
    await database.run(
      `insert into "Part.man".part_config (parent_table, control, partition_type, partition_interval, premake, retention, retention_keep_table) values ('public.ticks', 'time', 'native', '1 mon', 2, '2 years', true)`,
    )
    const rule = ruleOf('public.ticks', {ahead: 2})
    expect((await planEnsure(database.db, [rule])).findings).toMatchObject([{kind: 'left alone'}])
    const {plan, notes} = await planAdopt(database.db, adoptRequest())
    expect(notes[0]).toContain(`DELETE FROM "Part.man"."part_config" WHERE parent_table = 'public.ticks'`)
    expect(notes[1]).toContain('{public.ticks: {partitions: {every: month, ahead: 2}, retention: {after: 2 years}}}')
    expect(stepResults(await run(database.db, plan))).toEqual(['remove public.ticks from "Part.man".part_config: done'])
    expect((await planEnsure(database.db, [rule])).findings).toEqual([])
    await expect(planAdopt(database.db, adoptRequest())).rejects.toMatchObject({code: 'PARTITIONED'})
  })
})
