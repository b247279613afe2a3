import pg from 'pg'
import {expect, it} from 'vitest'
import {sql} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {childrenOf, stepResults, quick, run} from '../../helpers/partitions.js'

const older = (acceptLoss = false) => ({
  relation: 'public.ticks',
  olderThan: {months: 12, days: 0, seconds: 0},
  timezone: 'UTC',
  acceptLoss,
})

/** Two partitions of 2020 with rows on a few days of each, and one of now. */
const sets = ({run: query}: TestDatabase, more = '') =>
  query(`create table coins (id int primary key); insert into coins values (1), (2);
create table ticks (time timestamptz not null, coin int references coins) partition by range (time);
create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table old_2 partition of ticks for values from ('2020-02-01+00') to ('2020-03-01+00');
create table new partition of ticks for values from ('2020-03-01+00') to ('2120-01-01+00');
insert into ticks values ('2020-01-05+00', 1), ('2020-01-07 06:00+00', 2), ('2020-02-05+00', 1), ('2026-11-01+00', 2); ${more}`)

const tables = ({run: query}: TestDatabase) =>
  query<{name: string}>(
    "select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1",
  ).then((rows) => rows.map(({name}) => name))

/** The state after a run that was killed between the mark and the detach. */
async function mark({db}: TestDatabase): Promise<void> {
  const {plan} = await planDrop(db, older())
  const [detach] = plan.steps
  await run(db, {
    ...plan,
    steps: [{...detach!, statements: detach!.statements.slice(0, -1), followUp: sql`select`, doneCheck: null}],
  })
}

/** An emulated aggregate over ticks, a day a bucket, that has computed these ranges. */
async function aggregate({db, run: query}: TestDatabase, covered: string): Promise<void> {
  if (!db.server.hasQicoreSchema) {
    await execute(db, await planInstall(db), {limits: quick, ledger: null})
    await db.probe()
    await query(`create table qicore.daily_data (bucket timestamptz, coins bigint);
create function qicore.daily_window(since timestamptz, until timestamptz) returns table (bucket timestamptz, coins bigint) language sql stable as
  $$ select date_trunc('day', time, 'UTC'), count(*) from public.ticks where time >= since and time < until group by 1 $$;
create view public.daily as select * from qicore.daily_data;
insert into qicore.aggregates (view, source, data, query, bucket) values ('public.daily', 'public.ticks', 'qicore.daily_data', 'qicore.daily_window', '1 day')`)
  }
  await query(`update qicore.aggregates set covered = '${covered}'; truncate qicore.daily_data;
insert into qicore.daily_data select w.* from qicore.daily_window('-infinity', 'infinity') w where exists (select from unnest('${covered}'::tstzmultirange) r where w.bucket <@ r)`)
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('drops partitions that are entirely older, in steps of class loss that name all tables they lock', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older())
    expect(plan.steps.map(({id}) => id)).toEqual([
      'detach public.old_1',
      'finalize public.old_1',
      'drop public.old_1',
      'detach public.old_2',
      'finalize public.old_2',
      'drop public.old_2',
    ])
    expect(plan.steps.filter((step) => step.class === 'loss').map(({relations}) => relations)).toEqual([
      ['public.old_1', 'public.coins'],
      ['public.old_2', 'public.coins'],
    ])
    expect((await run(database.db, plan)).steps.map(({status}) => status)).toEqual([
      'done',
      'done',
      'done',
      'done',
      'done',
      'done',
    ])
    expect(await tables(database)).toEqual(['coins', 'new', 'ticks'])
    expect((await planDrop(database.db, older())).plan.steps).toEqual([])
  })

  it('never drops the last partition', async () => {
    const database = await engine.database()
    await sets(database, 'drop table new; drop table old_2')
    const {plan, notes} = await planDrop(database.db, older())
    expect(plan.steps).toEqual([])
    expect(notes).toEqual(['public.old_1 is older too, but it is the last partition, so it is kept.'])
  })

  it('with a default partition detaches and drops in one transaction', async () => {
    const database = await engine.database()
    await sets(database, 'create table rest partition of ticks default; create table refers (t timestamptz)')
    const {plan, notes} = await planDrop(database.db, older())
    expect(notes).toHaveLength(2)
    expect(plan.steps.map(({id, lock, class: kind}) => [id, lock, kind])).toEqual([
      ['drop public.old_1', 'ACCESS EXCLUSIVE', 'loss'],
      ['drop public.old_2', 'ACCESS EXCLUSIVE', 'loss'],
    ])
    expect((await run(database.db, plan)).steps.map(({status}) => status)).toEqual(['done', 'done'])
    expect(await tables(database)).toEqual(['coins', 'new', 'refers', 'rest', 'ticks'])
  })

  it.each([0, 1, 2])('finishes what a run that was killed after %i steps of a partition left', async (steps) => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older())
    await run(database.db, {...plan, steps: plan.steps.slice(0, steps)})
    await run(database.db, (await planDrop(database.db, older())).plan)
    expect(await tables(database)).toEqual(['coins', 'new', 'ticks'])
  })

  it('finishes a partition that a killed run marked and left pending', async () => {
    const database = await engine.database()
    await sets(database)
    await mark(database)
    await database.run("update pg_inherits set inhdetachpending = true where inhrelid = 'old_1'::regclass")
    const next = (await planDrop(database.db, older())).plan
    expect(next.steps.map(({id}) => id)).toEqual([
      'finalize public.old_1',
      'drop public.old_1',
      'detach public.old_2',
      'finalize public.old_2',
      'drop public.old_2',
    ])
    await run(database.db, next)
    expect(await tables(database)).toEqual(['coins', 'new', 'ticks'])
  })

  it('keeps a leftover that is younger than the cutoff of this run', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older())
    await run(database.db, {...plan, steps: plan.steps.slice(0, 2)})
    const long = await planDrop(database.db, {...older(), olderThan: {months: 12 * 500, days: 0, seconds: 0}})
    expect(long.plan.steps).toEqual([])
  })

  it('refuses ranges that an aggregate has not covered and names them; drops covered ranges and ranges without rows', async () => {
    const database = await engine.database()
    await sets(database)
    await aggregate(database, '{[2020-01-05 00:00+00,2020-01-07 00:00+00)}')
    await expect(planDrop(database.db, older())).rejects.toMatchObject({
      code: 'NOT_COVERED',
      exitCode: 7,
      message: expect.stringMatching(
        /public\.old_1: public\.daily has not covered 2020-01-07 UTC to 2020-01-08 UTC, or its rows changed since\npublic\.old_2: public\.daily has not covered/,
      ),
    })
    // Data begins on the 5th, and the last covered bucket ends on the 8th.
    await aggregate(database, '{[2020-01-05 00:00+00,2020-01-08 00:00+00),[2020-02-05 00:00+00,2020-02-06 00:00+00)}')
    expect((await planDrop(database.db, older())).plan.steps).toHaveLength(6)
    // A row that arrived after the refresh: its bucket was computed, but not with this row.
    await database.run("insert into ticks values ('2020-01-06 12:00+00', 1)")
    await expect(planDrop(database.db, older())).rejects.toMatchObject({
      code: 'NOT_COVERED',
      message: expect.stringContaining('or its rows changed since'),
    })
    await aggregate(database, '{}')
    await expect(planDrop(database.db, older())).rejects.toMatchObject({code: 'NOT_COVERED'})
    expect((await planDrop(database.db, older(true))).plan.steps).toHaveLength(6)
    await database.run('truncate old_1; truncate old_2')
    expect((await planDrop(database.db, older())).plan.steps).toHaveLength(6)
  })

  it('keeps a partition that was written to after the coverage check, in this run and the next, until the loss is accepted', async () => {
    const database = await engine.database()
    await sets(database)
    await aggregate(database, '{[2020-01-05 00:00+00,2020-01-08 00:00+00),[2020-02-05 00:00+00,2020-02-06 00:00+00)}')
    const {plan} = await planDrop(database.db, older())
    await database.run("insert into ticks values ('2020-01-06 12:00+00', 1)")
    const report = await run(database.db, plan)
    expect(stepResults(report)).toEqual([
      'detach public.old_1: done',
      'finalize public.old_1: done',
      'drop public.old_1: failed',
      'detach public.old_2: done',
      'finalize public.old_2: done',
      'drop public.old_2: done',
    ])
    expect(report.steps[2]!.error).toMatch(
      /public\.old_1: rows were written to public\.old_1 after its coverage was checked, so it was not dropped.*attach it again/,
    )
    const next = (await planDrop(database.db, older())).plan
    expect(stepResults(await run(database.db, next))).toEqual(['drop public.old_1: failed'])
    expect(await database.run("select from old_1 where time = '2020-01-06 12:00+00'")).toHaveLength(1)
    // Attached again and refreshed, it may be dropped.
    await database.run(
      "alter table ticks attach partition old_1 for values from ('2020-01-01+00') to ('2020-02-01+00')",
    )
    await aggregate(database, '{[2020-01-05 00:00+00,2020-01-08 00:00+00)}')
    const again = (await planDrop(database.db, older())).plan
    await database.run("insert into ticks values ('2020-01-07 12:00+00', 1)")
    await run(database.db, again)
    expect(stepResults(await run(database.db, (await planDrop(database.db, older(true))).plan))).toEqual([
      'drop public.old_1: done',
    ])
  })

  it('with a default partition leaves a partition attached that was written to meanwhile', async () => {
    const database = await engine.database()
    await sets(database, 'create table rest partition of ticks default')
    await aggregate(database, '{[2020-01-05 00:00+00,2020-01-08 00:00+00),[2020-02-05 00:00+00,2020-02-06 00:00+00)}')
    const {plan} = await planDrop(database.db, older())
    await database.run("insert into ticks values ('2020-01-06 12:00+00', 1)")
    expect(stepResults(await run(database.db, plan))).toEqual(['drop public.old_1: failed', 'drop public.old_2: done'])
    expect((await childrenOf(database, 'ticks')).map((child) => child.split(' ')[0])).toEqual(['new', 'old_1', 'rest'])
    await expect(planDrop(database.db, older())).rejects.toMatchObject({
      code: 'NOT_COVERED',
      message: expect.stringContaining('or its rows changed since'),
    })
  })

  it.each(['another database of the server', 'this database'])('during a long transaction in %s', async (where) => {
    const database = await engine.database()
    await sets(database)
    const session = new pg.Client({
      connectionString: (where === 'this database' ? database : await engine.database()).url,
    })
    await session.connect()
    await session.query('begin; select pg_current_xact_id()')
    // A row with a higher id than the running transaction may belong to its subtransaction here; from another database
    // it cannot.
    await database.run("insert into ticks values ('2020-01-06 12:00+00', 1)")
    await aggregate(database, '{(,)}')
    const {plan} = await planDrop(database.db, older())
    await session.end()
    const drops = stepResults(await run(database.db, plan)).filter((stepResult) => stepResult.startsWith('drop'))
    expect(drops).toEqual([
      `drop public.old_1: ${where === 'this database' ? 'failed' : 'done'}`,
      'drop public.old_2: done',
    ])
  })

  it('coverage that cannot be read counts as not covered', async () => {
    const database = await engine.database()
    await sets(database)
    await aggregate(database, '{(,)}')
    const role = `stranger_${Math.random().toString(36).slice(2)}`
    await database.run(
      `create role ${role}; alter table ticks owner to ${role}; alter table old_1 owner to ${role}; revoke all on qicore.aggregates from public; revoke usage on schema qicore from public`,
    )
    const asRole = {
      ...database.db,
      query: ((question) =>
        database.db.transaction({readOnly: true, lockTimeout: 50, statementTimeout: 1_000, role}, (tx) =>
          tx.query(question),
        )) as typeof database.db.query,
      target: {...database.db.target, role},
    } as typeof database.db
    try {
      await expect(planDrop(asRole, older())).rejects.toMatchObject({
        code: 'NOT_COVERED',
        exitCode: 7,
        message: expect.stringContaining('qicore.aggregates cannot be read'),
      })
      expect((await planDrop(database.db, older())).plan.steps).toHaveLength(6)
    } finally {
      // Citus 13.2 and 14.0 crash the server if CURRENT_USER is used here.
      await database.run(`reassign owned by ${role} to postgres; drop owned by ${role}; drop role ${role}`)
    }
  })

  it('refuses a partition that could not be dropped after the detach, and names what depends on it', async () => {
    const database = await engine.database()
    await sets(
      database,
      `alter table old_2 add primary key (time, coin); create view looks as select * from old_1; create view "at the set" as select * from ticks;
create table refers (t timestamptz, c int, foreign key (t, c) references old_2)`,
    )
    await expect(planDrop(database.db, older())).rejects.toMatchObject({
      code: 'DEPENDENTS',
      exitCode: 2,
      message: expect.stringMatching(
        /public\.old_1: view public\.looks\n[^]*public\.old_2: constraint refers_t_c_fkey on table public\.refers$/,
      ),
    })
  })

  it('keeps a table on which an object depends since the plan, detached and named; the next run tries again', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDrop(database.db, older())
    await database.run('create view looks as select * from old_1')
    const report = await run(database.db, plan)
    expect(stepResults(report)).toEqual([
      'detach public.old_1: done',
      'finalize public.old_1: done',
      'drop public.old_1: failed',
      'detach public.old_2: done',
      'finalize public.old_2: done',
      'drop public.old_2: done',
    ])
    expect(report.steps[2]!.error).toMatch(
      /public\.old_1: cannot drop table public\.old_1 because other objects depend on it .*view public\.looks/,
    )
    await database.run('drop view looks')
    expect(stepResults(await run(database.db, (await planDrop(database.db, older())).plan))).toEqual([
      'drop public.old_1: done',
    ])
  })

  it('drops a partition that is a foreign table', async (context) => {
    const database = await engine.database()
    const there = await database.run("select from pg_available_extensions where name = 'postgres_fdw'")
    if (there.length === 0) return context.skip('postgres_fdw is not installed on this server')
    await sets(
      database,
      `create extension postgres_fdw; create server there foreign data wrapper postgres_fdw; alter table ticks drop constraint ticks_coin_fkey; drop table old_1;
create foreign table far partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00') server there`,
    )
    // Its rows cannot be counted without the other server, and no aggregate needs them.
    expect(
      (await run(database.db, (await planDrop(database.db, older())).plan)).steps.filter(
        ({status}) => status === 'failed',
      ),
    ).toEqual([])
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
  })
})
