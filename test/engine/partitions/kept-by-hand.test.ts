import {expect, it} from 'vitest'
import {sql} from '../../../src/db/sql.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {readPartitions} from '../../../src/partitions/list.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {stepResults, ruleOf, run} from '../../helpers/partitions.js'

const older = {
  relation: 'public.ticks',
  olderThan: {months: 12, days: 0, seconds: 0},
  timezone: 'UTC',
  acceptLoss: false,
}
const bounds = "for values from ('2020-01-01+00') to ('2020-02-01+00')"

const sets = ({run: query}: TestDatabase, more = '') =>
  query(`create table ticks (time timestamptz primary key, x int) partition by range (time);
create table old_1 partition of ticks ${bounds};
create table new partition of ticks for values from ('2020-02-01+00') to ('2120-01-01+00');
comment on table old_1 is E'the year of the move\\nkeep the line';
insert into ticks values ('2020-01-05+00', 1), ('2026-11-01+00', 2); ${more}`)

const commentOf = async ({run: query}: TestDatabase) =>
  (await query<{text: string | null}>("select obj_description('old_1'::regclass) as text"))[0]!.text
const own = 'the year of the move\nkeep the line'

/** Runs only the first statements of the detach, as if the process and its session had ended then. */
async function dieAfter({db}: TestDatabase, statements: number): Promise<void> {
  const {plan} = await planDrop(db, older)
  const [detach] = plan.steps
  await run(db, {
    ...plan,
    steps: [
      {
        ...detach!,
        statements: detach!.statements.slice(0, statements),
        followUp: sql`select`,
        cleanUp: sql`select`,
        doneCheck: null,
      },
    ],
  })
}

/** No later drop removes the table, and both the drop and the list report it. */
async function expectKept(database: TestDatabase): Promise<void> {
  const {plan, notes} = await planDrop(database.db, older)
  expect(plan.steps).toEqual([])
  expect(notes).toEqual([
    expect.stringMatching(
      /^public\.old_1 has the mark of a drop.*it is kept\..*COMMENT ON TABLE public\.old_1 IS NULL/,
    ),
  ])
  const {tables} = await readPartitions(database.db, [ruleOf('public.ticks', {ahead: 0})], null)
  expect(tables[0]!.findings.map(({kind}) => kind)).toEqual(['kept after a drop'])
  expect(await database.run('select from old_1')).toHaveLength(1)
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a failed detach removes its mark and restores the previous comment', async () => {
    const database = await engine.database()
    await sets(database, "create table kid (t timestamptz references ticks); insert into kid values ('2020-01-05+00')")
    const report = await run(database.db, (await planDrop(database.db, older)).plan)
    expect(stepResults(report)).toEqual([
      'detach public.old_1: failed',
      'finalize public.old_1: skipped',
      'drop public.old_1: skipped',
    ])
    expect(await commentOf(database)).toBe(own)
    await database.run('delete from kid; alter table ticks detach partition old_1')
    const next = await planDrop(database.db, older)
    expect([next.plan.steps, next.notes]).toEqual([[], []])
    expect(await database.run('select from old_1')).toHaveLength(1)
  })

  it('a mark of a version that did not record who detached the table allows no drop: the table is kept and reported', async () => {
    const database = await engine.database()
    await sets(database)
    const obsolete =
      'qicore-db is dropping this partition of public.ticks, from 2020-01-01T00:00:00Z to 2020-02-01T00:00:00Z, rows seen up to transaction 731'
    await database.run(`comment on table old_1 is '${obsolete}'`)
    const attached = await planDrop(database.db, older)
    expect([attached.plan.steps.at(-1)?.id, attached.notes.filter((note) => note.includes('has the mark'))]).toEqual([
      'drop public.old_1',
      [],
    ])
    await database.run('alter table ticks detach partition old_1')
    await expectKept(database)
    await database.run(
      `alter table ticks attach partition old_1 for values from ('2020-01-01+00') to ('2020-02-01+00')`,
    )
    await database.run("update pg_inherits set inhdetachpending = true where inhrelid = 'old_1'::regclass")
    expect((await planDrop(database.db, older)).plan.steps.map(({id}) => id)).toEqual(['finalize public.old_1'])
  })

  it('a mark of a killed run does not allow dropping a partition that was then detached by hand', async () => {
    const database = await engine.database()
    await sets(database)
    await dieAfter(database, 3)
    expect(await commentOf(database)).toMatch(
      /^qicore-db is dropping this partition: \{"of":"public\.ticks","from":"2020-01-01T00:00:00Z".*\}\nthe year of the move\nkeep the line$/,
    )
    await database.run('alter table ticks detach partition old_1')
    await expectKept(database)
    await database.run('comment on table old_1 is null')
    expect((await planDrop(database.db, older)).notes).toEqual([])
  })

  it('a partition that was finalized by hand is kept', async () => {
    const database = await engine.database()
    await sets(database)
    await dieAfter(database, 3)
    await database.run("update pg_inherits set inhdetachpending = true where inhrelid = 'old_1'::regclass")
    await database.run('alter table ticks detach partition old_1 finalize')
    await expectKept(database)
  })

  it('a partition that a drop detached, and that was attached again and detached by hand since, is kept', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older)
    await run(database.db, {...plan, steps: plan.steps.slice(0, 2)})
    expect((await planDrop(database.db, older)).plan.steps.map(({id}) => id)).toEqual(['drop public.old_1'])
    await database.run(`alter table ticks attach partition old_1 ${bounds}`)
    await database.run('alter table ticks detach partition old_1')
    await expectKept(database)
  })

  it('a partition that was detached by hand between the plan and the run is kept', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older)
    await database.run('alter table ticks detach partition old_1')
    const report = await run(database.db, plan)
    expect(report.steps.at(-1)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('public.old_1 was not detached by this drop, or was changed since: it is kept'),
    })
    expect(await commentOf(database)).toBe(own)
    expect((await planDrop(database.db, older)).plan.steps).toEqual([])
  })

  it('a leftover that was changed between the plan and the run is kept', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older)
    await run(database.db, {...plan, steps: plan.steps.slice(0, 2)})
    const next = (await planDrop(database.db, older)).plan
    await database.run(`alter table ticks attach partition old_1 ${bounds}`)
    expect(stepResults(await run(database.db, next))).toEqual(['drop public.old_1: failed'])
    expect(await database.run('select from ticks')).toHaveLength(2)
  })

  it.each([false, true])('partitions detach removes the mark and keeps the comment, pending: %s', async (pending) => {
    const database = await engine.database()
    await sets(database)
    await dieAfter(database, 3)
    if (pending) await database.run("update pg_inherits set inhdetachpending = true where inhrelid = 'old_1'::regclass")
    await run(database.db, (await planDetach(database.db, older)).plan)
    expect(await commentOf(database)).toBe(own)
    const next = await planDrop(database.db, older)
    expect([next.plan.steps, next.notes]).toEqual([[], []])
  })

  it.each([1, 2])(
    'a run that was killed after %i of its steps is finished only by a drop with the same age',
    async (steps) => {
      const database = await engine.database()
      await sets(database)
      const {plan} = await planDrop(database.db, older)
      await run(database.db, {...plan, steps: plan.steps.slice(0, steps)})
      await database.autocommit('vacuum (analyze) old_1')
      const young = {...older, olderThan: {months: 12 * 500, days: 0, seconds: 0}}
      expect((await planDrop(database.db, young)).plan.steps).toEqual([])
      const {plan: next, notes} = await planDrop(database.db, older)
      expect(notes).toEqual([])
      expect(stepResults(await run(database.db, next))).toEqual(['drop public.old_1: done'])
      expect((await planDrop(database.db, older)).plan.steps).toEqual([])
    },
  )
})
