import {expect, it} from 'vitest'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {readDetached, type DetachedRow} from '../../../src/partitions/retain/detached.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {up} from '../../helpers/migrate-up.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {run, stepResults} from '../../helpers/partitions.js'

const older = {relation: 'public.ticks', olderThan: {months: 12, days: 0, seconds: 0}, timezone: 'UTC'}

async function sets(database: TestDatabase, more = ''): Promise<void> {
  await up(database.db, {stream: 'core'})
  await database.run(`create table ticks (time timestamptz not null, x int) partition by range (time);
create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table old_2 partition of ticks for values from ('2020-02-01+00') to ('2020-03-01+00');
create table new partition of ticks for values from ('2020-03-01+00') to ('2120-01-01+00');
insert into ticks values ('2020-01-05+00', 1), ('2020-02-05+00', 2), ('2100-01-01+00', 3); ${more}`)
}

const rowsOf = async ({db}: TestDatabase, more: {dropped?: boolean; relation?: string} = {}) =>
  (await readDetached(db, {rules: [], relation: more.relation ?? null, dropped: more.dropped ?? false})).detached

const stagesOf = (rows: DetachedRow[]) =>
  rows.map(({partitionSchema, partition, stage}) => `${partitionSchema}.${partition} ${stage}`)

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('lists the partitions that it detached, with their range, and finds them after a rename and a move', async () => {
    const database = await engine.database()
    await sets(database)
    await run(database.db, (await planDetach(database.db, older)).plan)
    const [first, second] = await rowsOf(database)
    expect(first).toMatchObject({
      schema: 'public',
      table: 'ticks',
      partition: 'old_1',
      from: '2020-01-01T00:00:00Z',
      to: '2020-02-01T00:00:00Z',
      detachedBy: 'postgres',
      stage: 'detached',
      totalBytes: 8192,
      next: null,
      why: null,
    })
    expect(Date.parse(first!.detachedAt!)).toBeGreaterThan(Date.parse('2024-01-01'))
    expect(second).toMatchObject({partition: 'old_2', from: '2020-02-01T00:00:00Z'})
    await database.run(`create schema cold; alter table old_1 rename to renamed; alter table renamed set schema cold;
grant select on cold.renamed to public; create index renamed_time on cold.renamed (time); cluster cold.renamed using renamed_time; analyze cold.renamed;
create table old_1 (like ticks); drop table old_2`)
    const after = await rowsOf(database)
    expect(stagesOf(after)).toEqual(['cold.renamed detached', 'public.old_2 gone'])
    expect(after.map(({totalBytes, estimatedRows}) => [totalBytes !== null, estimatedRows])).toEqual([
      [true, 1],
      [false, null],
    ])
    expect(await rowsOf(database, {relation: 'public.ticks'})).toEqual(after)
  })

  it('does not list a table that was attached again, and keeps one that was then detached by hand', async () => {
    const database = await engine.database()
    await sets(database)
    await run(database.db, (await planDetach(database.db, older)).plan)
    await database.run(
      "alter table ticks attach partition old_1 for values from ('2020-01-01+00') to ('2020-02-01+00')",
    )
    expect(stagesOf(await rowsOf(database))).toEqual(['public.old_2 detached'])
    await database.run('alter table ticks detach partition old_1')
    const [kept] = await rowsOf(database)
    expect(kept).toMatchObject({partition: 'old_1', stage: 'kept'})
    expect(kept!.why).toMatch(/attached, detached or altered since/)
    await database.run(
      "alter table ticks attach partition old_1 for values from ('2020-01-01+00') to ('2020-02-01+00')",
    )
    await run(database.db, (await planDetach(database.db, older)).plan)
    expect(stagesOf(await rowsOf(database))).toEqual(['public.old_1 detached', 'public.old_2 detached'])
  })

  it('keeps a table that was detached by hand after its own detach was killed before it began', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDetach(database.db, older)
    const [detach] = plan.steps
    // The intention is written, and the process ends before DETACH.
    await run(database.db, {
      ...plan,
      steps: [
        {
          ...detach!,
          statements: detach!.statements.slice(0, -1),
          followUp: undefined!,
          cleanUp: undefined!,
          doneCheck: null,
        },
      ],
    })
    expect(await rowsOf(database)).toEqual([])
    const confirmed = (await planDetach(database.db, older)).plan
    await database.run('alter table ticks detach partition old_1')
    const [kept] = await rowsOf(database)
    expect(kept).toMatchObject({partition: 'old_1', stage: 'kept', detachedAt: null})
    expect(kept!.why).toMatch(/not recorded as completed/)
    // The plan that was confirmed before finds it detached, and does not take it for its own.
    expect(stepResults(await run(database.db, confirmed)).slice(0, 2)).toEqual([
      'detach public.old_1: skipped',
      'finalize public.old_1: done',
    ])
    expect((await rowsOf(database))[0]).toMatchObject({partition: 'old_1', stage: 'kept'})
  })

  it('withdraws the record of a detach that failed', async () => {
    const database = await engine.database()
    await sets(
      database,
      `create table refers (time timestamptz, x int); alter table ticks add unique (time);
alter table refers add foreign key (time) references ticks (time); insert into refers select time, 1 from old_1`,
    )
    expect(stepResults(await run(database.db, (await planDetach(database.db, older)).plan))).toEqual([
      'detach public.old_1: failed',
      'finalize public.old_1: skipped',
      'detach public.old_2: done',
      'finalize public.old_2: done',
    ])
    expect(
      await database.run('select partition, detached_at is not null as detached from qicore.detached_partition'),
    ).toEqual([{partition: 'old_2', detached: true}])
  })

  it('records a detach that was interrupted and that the next run finishes', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDetach(database.db, older)
    const other = await database.db.openSession()
    let release = () => {}
    const reading = other.transaction({readOnly: true, lockTimeout: 1_000, statementTimeout: 20_000}, async (tx) => {
      await tx.query({text: 'select from public.ticks', values: []})
      await new Promise<void>((resolve) => (release = resolve))
    })
    // Without the waits before it, DETACH CONCURRENTLY commits its first half and waits for the reader.
    const [detach] = plan.steps
    await run(database.db, {...plan, steps: [{...detach!, statements: detach!.statements.slice(2), doneCheck: null}]})
    expect(await database.run('select from pg_inherits where inhdetachpending')).toHaveLength(1)
    release()
    await reading
    await other.close()
    expect(await rowsOf(database)).toEqual([])
    await run(database.db, (await planDetach(database.db, older)).plan)
    expect(stagesOf(await rowsOf(database))).toEqual(['public.old_1 detached', 'public.old_2 detached'])
  })

  it('lists a drop that did not finish and tables without a record, none of which a stage touches', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, {...older, acceptLoss: false})
    await run(database.db, {
      ...plan,
      steps: plan.steps.filter(({object, kind}) => object === 'public.old_1' && kind !== 'drop'),
    })
    await database.run(`create table ticks_y2019m01 (like ticks); create table ticks_y2019m02 (y int)`)
    const rows = await rowsOf(database)
    expect(
      rows.map(({partition, stage, detachedAt, why}) => [partition, stage, detachedAt, why?.split(',')[0]]),
    ).toEqual([
      ['old_1', 'dropping', null, 'the next partitions drop of its age drops it'],
      ['ticks_y2019m01', 'kept', null, 'its detach is not recorded'],
    ])
  })

  it('waits for no lock, and says that the size of a locked table is not known', async () => {
    const database = await engine.database()
    await sets(database)
    await run(database.db, (await planDetach(database.db, older)).plan)
    const other = await database.db.openSession()
    let release = () => {}
    const locked = new Promise<void>((begun) => {
      void other.transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 20_000}, async (tx) => {
        await tx.query({text: 'lock table public.old_1 in access exclusive mode', values: []})
        begun()
        await new Promise<void>((resolve) => (release = resolve))
      })
    })
    await locked
    const rows = await rowsOf(database)
    release()
    await other.close()
    expect(rows.map(({partition, totalBytes}) => [partition, totalBytes === null])).toEqual([
      ['old_1', true],
      ['old_2', false],
    ])
  })

  it('records a detach under ACCESS EXCLUSIVE in the same transaction', async () => {
    const database = await engine.database()
    await sets(database, 'create table rest partition of ticks default')
    const {plan} = await planDetach(database.db, older)
    expect(plan.steps.map(({transaction}) => transaction)).toEqual(['own', 'own'])
    await run(database.db, plan)
    expect(stagesOf(await rowsOf(database))).toEqual(['public.old_1 detached', 'public.old_2 detached'])
  })

  it('detaches without a record where the schema qicore does not exist or may not be written', async () => {
    const database = await engine.database()
    await sets(database)
    const role = `keeper_${database.db.server.database}`.slice(0, 60)
    await database.run(
      `create role "${role}"; alter table ticks owner to "${role}"; alter table old_1 owner to "${role}"; alter table old_2 owner to "${role}"; alter table new owner to "${role}"; grant all on schema public to "${role}"`,
    )
    const target = {...database.db.target, role}
    const db = Object.create(database.db, {target: {value: target}}) as typeof database.db
    const {plan, notes} = await planDetach(db, older)
    expect(notes.at(-1)).toMatch(/may not write qicore\.detached_partition/)
    expect(plan.steps.every(({followUp}) => followUp === undefined)).toBe(true)
    await database.run(`reassign owned by "${role}" to postgres; drop owned by "${role}"; drop role "${role}"`)
  })
})
