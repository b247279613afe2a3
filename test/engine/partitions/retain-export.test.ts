import {chmodSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {readDetached} from '../../../src/partitions/retain/detached.js'
import {planRetain} from '../../../src/partitions/retain/retain.js'
import type {Stages} from '../../../src/partitions/retain/stages.js'
import {parseDuration} from '../../../src/units/duration.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {up} from '../../helpers/migrate-up.js'
import {ruleOf, run, stepResults} from '../../helpers/partitions.js'

const archive = (to: string) => ({
  after: parseDuration('14y'),
  schema: 'archive',
  tablespace: null,
  export: {to, format: 'csv' as const},
})

const request = (to: string, drop = '24y') => ({
  relation: 'public.ticks',
  rule: ruleOf('public.ticks', {
    stages: {detach: parseDuration('4y'), archive: archive(to), drop: parseDuration(drop)} satisfies Stages,
  }),
})

/** Two partitions that are detached already. */
async function detached(database: TestDatabase, to: string): Promise<void> {
  await up(database.db, {stream: 'core'})
  await database.run(`create schema archive;
create table ticks (time timestamptz not null, x int) partition by range (time);
create table old_1 partition of ticks for values from ('2000-01-01+00') to ('2001-01-01+00');
create table old_2 partition of ticks for values from ('2010-01-01+00') to ('2011-01-01+00');
create table new partition of ticks for values from ('2021-01-01+00') to ('2120-01-01+00');
insert into ticks values ('2000-05-01+00', 1), ('2010-05-01+00', 2), (${today}, 4)`)
  await run(database.db, (await planRetain(database.db, request(to))).plan)
}

const retain = async ({db}: TestDatabase, to: string, drop?: string) =>
  stepResults(await run(db, (await planRetain(db, request(to, drop))).plan))

const stagesOf = async ({db}: TestDatabase) =>
  (await readDetached(db, {rules: [], relation: null, dropped: true})).detached.map(
    ({partitionSchema, partition, stage}) => `${partitionSchema}.${partition} ${stage}`,
  )

/** The files of an export, by path under its place. */
const filesIn = (to: string) =>
  readdirSync(to, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile() && entry.name.endsWith('.csv'))
    .map(({name}) => name)
    .sort()

const pathOf = (to: string, name: string) => {
  const entry = readdirSync(to, {recursive: true, withFileTypes: true}).find((each) => each.name === name)!
  return join(entry.parentPath, name)
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('exports before it moves and drops, records place and checksum, and does not export again after the move', async () => {
    const [database, to] = [await engine.database(), temporaryDirectory()]
    await detached(database, to)
    expect(await retain(database, to)).toEqual([
      'export public.old_1: done',
      'drop public.old_1: done',
      'export public.old_2: done',
      'move public.old_2: done',
    ])
    expect(filesIn(to)).toEqual(['public.old_1.csv', 'public.old_2.csv'])
    expect(readFileSync(pathOf(to, 'public.old_1.csv'), 'utf8')).toContain('2000-05-01')
    expect(await stagesOf(database)).toEqual(['public.old_1 dropped', 'archive.old_2 archived'])
    const [first, second] = (await readDetached(database.db, {rules: [], relation: null, dropped: true})).detached
    expect(first!.exportedTo).toBe(pathOf(to, 'public.old_1.csv'))
    expect(second!.checksum).toMatch(/\d/)
    expect(await database.run('select exported_rows::int as rows from qicore.detached_partition order by id')).toEqual([
      {rows: 1},
      {rows: 1},
    ])
    expect((await planRetain(database.db, request(to))).plan.steps).toEqual([])
    // The drop, years later: the file is found under its first name and compared with the table.
    expect(await retain(database, to, '15y')).toEqual(['export archive.old_2: done', 'drop archive.old_2: done'])
    expect(filesIn(to)).toEqual(['public.old_1.csv', 'public.old_2.csv'])
  })

  it('exports a second file if the rows were changed since, before it drops', async () => {
    const [database, to] = [await engine.database(), temporaryDirectory()]
    await detached(database, to)
    await retain(database, to)
    const {plan} = await planRetain(database.db, request(to, '15y'))
    await database.run('update archive.old_2 set x = 22')
    expect(
      stepResults(
        await run(database.db, {
          ...plan,
          steps: plan.steps.filter(({kind}) => kind === 'drop').map((step) => ({...step, dependsOn: []})),
        }),
      ),
    ).toEqual(['drop archive.old_2: failed'])
    expect(await retain(database, to, '15y')).toEqual(['export archive.old_2: done', 'drop archive.old_2: done'])
    expect(filesIn(to)).toEqual(['public.old_1.csv', 'public.old_2.2.csv', 'public.old_2.csv'])
    expect(readFileSync(pathOf(to, 'public.old_2.2.csv'), 'utf8')).toContain('22')
  })

  it('drops nothing if the file was removed or changed, or the place cannot be written', async () => {
    const [database, to] = [await engine.database(), temporaryDirectory()]
    await detached(database, to)
    await retain(database, to)
    const {plan} = await planRetain(database.db, request(to, '15y'))
    const drop = {
      ...plan,
      steps: plan.steps.filter(({kind}) => kind === 'drop').map((step) => ({...step, dependsOn: []})),
    }
    writeFileSync(pathOf(to, 'public.old_2.csv'), 'shorter')
    expect(stepResults(await run(database.db, drop))).toEqual(['drop archive.old_2: failed'])
    rmSync(pathOf(to, 'public.old_2.csv'))
    expect(stepResults(await run(database.db, drop))).toEqual(['drop archive.old_2: failed'])
    expect(await database.run('select x from archive.old_2')).toEqual([{x: 2}])
    const file = join(temporaryDirectory(), 'no-directory')
    writeFileSync(file, '')
    chmodSync(file, 0o400)
    expect(await retain(database, file, '15y')).toEqual(['export archive.old_2: failed', 'drop archive.old_2: skipped'])
    expect(await database.run('select x from archive.old_2')).toEqual([{x: 2}])
  })
})
