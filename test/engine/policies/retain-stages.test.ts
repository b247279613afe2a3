import {expect, it} from 'vitest'
import {readDetached} from '../../../src/partitions/retain/detached.js'
import {planRetain} from '../../../src/partitions/retain/retain.js'
import {stagesOf, type Stages} from '../../../src/partitions/retain/stages.js'
import {today} from '../../helpers/clock.js'
import {up} from '../../helpers/migrate-up.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {ruleOf, run, stepResults} from '../../helpers/partitions.js'

const config = {
  detach: '4 years',
  archive: {after: '14 years', schema: 'archive'},
  drop: '24 years',
  maxDropPerRun: 8,
}

async function declare({run: query}: TestDatabase, policy: object = config): Promise<void> {
  await query(
    `insert into qicore.policies (object, kind, config, set_by) values ('public.ticks', 'retention',
  $1::jsonb || jsonb_build_object('consent', jsonb_build_object('hash', qicore.retention_hash('public.ticks', $1::jsonb))), 'test')
on conflict (object, kind) do update set config = excluded.config`,
    [JSON.stringify(policy)],
  )
}

async function sets(database: TestDatabase, key = 'timestamptz', more = ''): Promise<void> {
  const {run: query} = database
  await up(database.db, {stream: 'core'})
  const at = (text: string) => (key === 'bigint' ? String(Date.parse(text)) : `'${text}'`)
  const part = (name: string, from: string, to: string) =>
    `create table ${name} partition of ticks for values from (${at(from)}) to (${at(to)});`
  const now = key === 'bigint' ? `extract(epoch from ${today}) * 1000` : today
  await query(`create schema archive; create table ticks (time ${key} not null, x int) partition by range (time); create index on ticks (x);
${part('old_1', '2000-01-01T00:00:00Z', '2001-01-01T00:00:00Z')}${part('old_2', '2010-01-01T00:00:00Z', '2011-01-01T00:00:00Z')}
${part('old_3', '2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z')}${part('new', '2021-01-01T00:00:00Z', '2120-01-01T00:00:00Z')}
insert into ticks values (${at('2000-05-01T00:00:00Z')}, 1), (${at('2010-05-01T00:00:00Z')}, 2), (${at('2020-05-01T00:00:00Z')}, 3), (${now}, 4); ${more}`)
}

const retain = ({db}: TestDatabase) =>
  db.autocommit(
    {readOnly: false, lockTimeout: 5_000, statementTimeout: 30_000},
    {text: `call qicore.retain(0, '{"object": "public.ticks"}')`, values: []},
  )

const placesOf = async ({db}: TestDatabase) =>
  (await readDetached(db, {rules: [], relation: null, dropped: true})).detached.map(
    ({partitionSchema, partition, stage}) => `${partitionSchema}.${partition} ${stage}`,
  )

const stepsOf = async ({run: query}: TestDatabase) =>
  (
    await query<{step: string; status: string}>(
      'select s.step, s.status from qicore.maintenance_step s join qicore.maintenance_log l on l.id = s.log_id order by l.id, s.position',
    )
  ).map(({step, status}) => `${step}: ${status}`)

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  for (const key of ['timestamptz', 'timestamp', 'date', 'bigint'])
    it(`qicore.retain detaches, then moves and drops what is due, by a key of type ${key}`, async () => {
      const database = await engine.database()
      await sets(database, key)
      await declare(database, {...config, ...(key === 'bigint' && {timeUnit: 'ms'})})
      await retain(database)
      // Never detached and dropped by one run.
      expect(await placesOf(database)).toEqual([
        'public.old_1 detached',
        'public.old_2 detached',
        'public.old_3 detached',
      ])
      await retain(database)
      expect(await placesOf(database)).toEqual([
        'public.old_1 dropped',
        'archive.old_2 archived',
        'public.old_3 detached',
      ])
      expect(await stepsOf(database)).toEqual([
        'detach public.old_1: done',
        'detach public.old_2: done',
        'detach public.old_3: done',
        'drop public.old_1: done',
        'move public.old_2: done',
      ])
      expect(await database.run('select x from archive.old_2 union all select x from old_3')).toEqual([{x: 2}, {x: 3}])
      await retain(database)
      expect(await stepsOf(database)).toHaveLength(5)
    })

  it('carries out the same stages as the command: after it the command finds nothing, and the other way round', async () => {
    const database = await engine.database()
    await sets(database)
    await declare(database)
    const request = {relation: 'public.ticks', rule: ruleOf('public.ticks', {stages: stagesOf(config) as Stages})}
    const plan = async () => (await planRetain(database.db, request)).plan
    expect(stepResults(await run(database.db, await plan())).filter((text) => !text.startsWith('finalize'))).toEqual([
      'detach public.old_1: done',
      'detach public.old_2: done',
      'detach public.old_3: done',
    ])
    await retain(database)
    expect(await placesOf(database)).toEqual([
      'public.old_1 dropped',
      'archive.old_2 archived',
      'public.old_3 detached',
    ])
    expect((await plan()).steps).toEqual([])
  })

  it('drops nothing that has to be exported before, and says so', async () => {
    const database = await engine.database()
    await sets(database)
    await declare(database, {...config, archive: {after: '14 years', export: {to: '/export', format: 'csv'}}})
    await retain(database)
    await expect(retain(database)).rejects.toThrow(
      /3 stages that are due and not done: export public\.old_1 .*: it is exported by a daemon or by the command partitions retain/,
    )
    expect(await placesOf(database)).toEqual([
      'public.old_1 detached',
      'public.old_2 detached',
      'public.old_3 detached',
    ])
    await database.run('update qicore.detached_partition set exported_at = detached_at')
    await expect(retain(database)).rejects.toThrow(/drop public\.old_1 .*: its export is verified before the drop/)
  })

  it('drops nothing after a change that was not confirmed, and nothing that was attached and detached by hand', async () => {
    const database = await engine.database()
    await sets(database)
    await declare(database, {...config, drop: undefined, archive: undefined})
    await retain(database)
    await database.run(`alter table ticks attach partition old_1 for values from ('2000-01-01+00') to ('2001-01-01+00');
alter table ticks detach partition old_1; update qicore.policies set config = config || '{"drop": "24 years"}'`)
    await expect(retain(database)).rejects.toThrow(/is not confirmed; nothing was dropped/)
    await declare(database, {...config, archive: undefined})
    await retain(database)
    expect(await placesOf(database)).toEqual(['public.old_1 kept', 'public.old_2 detached', 'public.old_3 detached'])
  })

  it('keeps a table on which an object depends, and goes on with the others', async () => {
    const database = await engine.database()
    await sets(database)
    await declare(database)
    await retain(database)
    await database.run('create view reads as select * from old_1')
    await expect(retain(database)).rejects.toThrow(
      /1 stage that is due and not done: drop public\.old_1 .*other objects depend on it/,
    )
    expect(await placesOf(database)).toEqual([
      'public.old_1 detached',
      'archive.old_2 archived',
      'public.old_3 detached',
    ])
  })
})
