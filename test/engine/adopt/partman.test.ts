import {expect, it, type TestContext} from 'vitest'
import {everyOf} from '../../../src/adopt/partman.js'
import {planAdopt} from '../../../src/adopt/plan.js'
import {loadConfig} from '../../../src/config/load.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {adoptRequest} from '../../helpers/adopt.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
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
  /** A database with pg_partman, whose rows are written as its functions write them; null without the extension. */
  const withPartman = async (context: TestContext) => {
    const database = await engine.database()
    const refused = await database
      .run('create schema "Part.man"; create extension pg_partman schema "Part.man"')
      .then(() => null, String)
    if (refused === null) return database
    process.stderr.write(`skipped: pg_partman: ${refused}\n`)
    return context.skip(refused)
  }
  const configure = (table: string, values: Record<string, string>) => {
    const all = {parent_table: `'public.${table}'`, partition_type: "'native'", ...values}
    return `insert into "Part.man".part_config (${Object.keys(all).join(', ')}) values (${Object.values(all).join(', ')})`
  }

  it('a set of pg_partman is taken over: its row is named and removed, then the set is declared', async (context) => {
    const database = await withPartman(context)
    await database.run('create table ticks (time timestamptz not null, x int) partition by range (time)')
    await database.run(
      configure('ticks', {
        control: "'time'",
        partition_interval: "'1 mon'",
        premake: '2',
        retention: "'2 years'",
        retention_keep_table: 'true',
      }),
    )
    const rule = ruleOf('public.ticks', {ahead: 2})
    expect((await planEnsure(database.db, [rule])).findings).toMatchObject([{kind: 'left alone'}])
    const {plan, notes} = await planAdopt(database.db, adoptRequest())
    expect(notes[0]).toContain(`DELETE FROM "Part.man"."part_config" WHERE parent_table = 'public.ticks'`)
    expect(notes[1]).toContain('{public.ticks: {partitions: {every: month, ahead: 2}, retention: {detach: 2 years}}}')
    expect(stepResults(await run(database.db, plan))).toEqual(['remove public.ticks from "Part.man".part_config: done'])
    expect((await planEnsure(database.db, [rule])).findings).toEqual([])
    await expect(planAdopt(database.db, adoptRequest())).rejects.toMatchObject({code: 'PARTITIONED'})
  })

  it.for([
    ["'90 days'", 'false', 'null', '{after: 90 days}'],
    ["'90 days'", 'true', 'null', '{detach: 90 days}'],
    ["'1 mon'", 'true', "'Old'", '{detach: 1 mon, archive: {after: 1 mon, schema: "Old"}}'],
  ] as const)(
    'the declaration does with old partitions what pg_partman did: retention %s, tables kept %s, schema %s',
    async ([retention, keeps, schema, declared], context) => {
      const database = await withPartman(context)
      await database.run('create table ticks (time bigint not null) partition by range (time)')
      await database.run(
        configure('ticks', {
          control: "'time'",
          epoch: "'milliseconds'",
          partition_interval: "'7 days'",
          retention,
          retention_keep_table: keeps,
          retention_schema: schema,
        }),
      )
      const {notes} = await planAdopt(database.db, adoptRequest())
      const [, line] = /(tables: .*)$/.exec(notes[1]!)!
      expect(line).toContain(`{timeUnit: ms, partitions: {every: week, ahead: 4}, retention: ${declared}}`)
      // What the operator copies is a configuration.
      const directory = directoryWith({'qicore-db.config.yaml': `version: 1\n${line}\n`})
      const config = await loadConfig(`${directory}/qicore-db.config.yaml`)
      expect(config.tables?.['public.ticks']?.timeUnit).toBe('ms')
    },
  )

  it('a set by numbers stays with pg_partman, unless the numbers are declared as a time', async (context) => {
    const database = await withPartman(context)
    await database.run('create table ticks (id bigint not null) partition by range (id)')
    await database.run(configure('ticks', {control: "'id'", partition_interval: "'1000'"}))
    await expect(planAdopt(database.db, adoptRequest())).rejects.toMatchObject({
      code: 'PARTITION_KEY',
      exitCode: 2,
      message: expect.stringContaining('public.ticks is partitioned by numbers'),
    })
    const declared = {timeUnit: 's', keyFormat: null} as const
    expect((await planAdopt(database.db, adoptRequest({declared}))).plan.steps).toHaveLength(1)
  })

  it('a set whose next partitions nothing would create stays with pg_partman', async (context) => {
    const database = await withPartman(context)
    await database.run('create table ticks (time timestamptz not null) partition by range (time)')
    await database.run(configure('ticks', {control: "'time'", partition_interval: "'07:00:00'"}))
    const refused = {code: 'PARTITION_KEY', exitCode: 2}
    await expect(planAdopt(database.db, adoptRequest())).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('07:00:00, which qicore-db does not support'),
    })
    const declared = {timeUnit: null, keyFormat: null} as const
    expect((await planAdopt(database.db, adoptRequest({declared}))).plan.steps).toHaveLength(1)
    // The next partition of a declared set begins where the last one ends, whatever its length.
    await database.run(
      "create table ticks_1 partition of ticks for values from ('2026-01-01 01:00Z') to ('2026-01-01 08:00Z') partition by range (time)",
    )
    await expect(planAdopt(database.db, adoptRequest({declared}))).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('are partitioned by range themselves (public.ticks_1)'),
    })
  })

  it('sets below that pg_partman goes on to manage are named', async (context) => {
    const database = await withPartman(context)
    await database.run(`create table ticks (time timestamptz not null, id int) partition by range (time);
create table "ticks Jan" partition of ticks for values from ('2026-01-01Z') to ('2026-02-01Z') partition by list (id)`)
    await database.run(configure('ticks', {control: "'time'", partition_interval: "'1 mon'"}))
    await database.run(configure('ticks Jan', {control: "'id'", partition_interval: "'1000'"}))
    const {notes} = await planAdopt(database.db, adoptRequest())
    expect(notes).toContainEqual(expect.stringMatching(/^pg_partman still manages public\.ticks Jan below it/))
  })
})
