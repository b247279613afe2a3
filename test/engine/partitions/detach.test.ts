import {expect, it} from 'vitest'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {childrenOf, stepResults, quick, run} from '../../helpers/partitions.js'

const older = (relation = 'public.ticks', months = 12) => ({
  relation,
  olderThan: {months, days: 0, seconds: 0},
  timezone: 'UTC',
})

/** Partitions of 2020, one with everything after it, and a row in each. */
async function sets({run: query}: TestDatabase, more = ''): Promise<void> {
  await query(`create table ticks (time timestamptz not null, x int) partition by range (time);
create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table old_2 partition of ticks for values from ('2020-02-01+00') to ('2020-03-01+00');
create table new partition of ticks for values from ('2020-03-01+00') to ('2120-01-01+00');
insert into ticks values ('2020-01-05+00', 1), ('2020-02-05+00', 2), ('2100-01-01+00', 3); ${more}`)
}

/** A transaction that reads the table and stays open until it is released. */
async function openReader(
  db: Database,
  text = 'select count(*) from public.ticks',
): Promise<{pid: number; end(): Promise<void>}> {
  const other = await db.openSession()
  let release = () => {}
  let done: Promise<unknown> = Promise.resolve()
  const pid = await new Promise<number>((begun) => {
    done = other.transaction({readOnly: true, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
      const [row] = await tx.query<{pid: number}>(statement('select pg_backend_pid() as pid'))
      await tx.query(statement(text))
      begun(row!.pid)
      await new Promise<void>((resolve) => (release = resolve))
    })
  })
  return {
    pid,
    async end() {
      release()
      await done
      await other.close()
    },
  }
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('detaches partitions that are entirely older, one after another, and keeps their rows in separate tables', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan, notes} = await planDetach(database.db, older())
    expect(notes).toEqual([
      expect.stringMatching(/^2 partitions, 2020-01-01 UTC to 2020-03-01 UTC: 16\.0 kB, number of rows unknown\.$/),
    ])
    expect(plan.cutoff).toMatch(/^\d{4}-.*Z$/)
    expect(plan.steps.map(({id, class: kind}) => [id, kind])).toEqual([
      ['detach public.old_1', 'undo'],
      ['finalize public.old_1', 'undo'],
      ['detach public.old_2', 'undo'],
      ['finalize public.old_2', 'undo'],
    ])
    expect(stepResults(await run(database.db, plan))).toEqual([
      'detach public.old_1: done',
      'finalize public.old_1: done',
      'detach public.old_2: done',
      'finalize public.old_2: done',
    ])
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
    expect(await database.run('select x from old_1 union all select x from old_2 order by 1')).toEqual([{x: 1}, {x: 2}])
    expect((await planDetach(database.db, older())).plan.steps).toEqual([])
  })

  it('never detaches the last partition, and says so', async () => {
    const database = await engine.database()
    await sets(database)
    await database.run('alter table ticks detach partition new')
    const {plan, notes} = await planDetach(database.db, older())
    expect(notes[0]).toContain('public.old_2 is older too, but it is the last partition, so it is kept')
    expect(plan.steps.map(({object}) => object)).toEqual(['public.old_1', 'public.old_1'])
  })

  it('waits for old transactions before it begins: nothing is pending meanwhile, the blocker is named, and the run continues when it is gone', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDetach(database.db, older())
    const reader = await openReader(database.db)
    const waits: string[] = []
    let pendingSeen = false
    const report = execute(database.db, plan, {
      limits: {...quick, retryBudget: 30_000},
      ledger: null,
      onProgress: (progress) => {
        if (progress.event !== 'wait') return
        waits.push(progress.reason)
        void database
          .run<{pending: boolean}>('select bool_or(inhdetachpending) as pending from pg_inherits')
          .then(([row]) => (pendingSeen ||= row!.pending))
        if (waits.length === 2) void reader.end()
      },
    })
    expect((await report).steps.map(({status}) => status)).toEqual(['done', 'done', 'done', 'done'])
    expect(waits[0]).toMatch(
      new RegExp(
        `open transactions have used public\\.ticks: pid ${reader.pid} \\(postgres, qicore-db/test, idle in transaction, for \\d+ s\\)`,
      ),
    )
    expect(pendingSeen).toBe(false)
  })

  it('gives up within its budget, with the blocker named and nothing changed', async () => {
    const database = await engine.database()
    await sets(database)
    const reader = await openReader(database.db)
    const report = await run(database.db, (await planDetach(database.db, older())).plan)
    await reader.end()
    expect(stepResults(report)).toEqual([
      'detach public.old_1: failed',
      'finalize public.old_1: skipped',
      'detach public.old_2: failed',
      'finalize public.old_2: skipped',
    ])
    expect(report.steps[0]!.error).toContain(`pid ${reader.pid}`)
    expect((await childrenOf(database, 'ticks')).some((child) => child.includes('PENDING'))).toBe(false)
  })

  it('finishes an interrupted detach before it begins another', async () => {
    const database = await engine.database()
    await sets(database)
    const reader = await openReader(database.db)
    // The state after a run that was killed between the two transactions of a detach.
    await expect(
      database.db.autocommit(
        {readOnly: false, lockTimeout: 100, statementTimeout: 0},
        statement('alter table public.ticks detach partition public.old_1 concurrently'),
      ),
    ).rejects.toThrow(/lock timeout/)
    expect((await childrenOf(database, 'ticks'))[1]).toContain('old_1 PENDING')
    const {plan} = await planDetach(database.db, older())
    expect(plan.steps.map(({id}) => id)).toEqual([
      'finalize public.old_1',
      'detach public.old_2',
      'finalize public.old_2',
    ])
    const blocked = await run(database.db, plan)
    expect(stepResults(blocked)).toEqual([
      'finalize public.old_1: failed',
      'detach public.old_2: skipped',
      'finalize public.old_2: skipped',
    ])
    expect(blocked.steps[0]!.note).toContain(`pid ${reader.pid}`)
    await reader.end()
    expect(stepResults(await run(database.db, plan))).toEqual([
      'finalize public.old_1: done',
      'detach public.old_2: done',
      'finalize public.old_2: done',
    ])
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
  })

  it('finishes by itself a detach that a late transaction left pending', async () => {
    const database = await engine.database()
    await sets(database)
    const {plan} = await planDetach(database.db, older())
    // Without the wait: as if the transaction had begun just after it.
    const blind = {
      ...plan,
      steps: plan.steps.map((step) =>
        step.kind === 'detach' ? {...step, statements: step.statements.slice(1)} : step,
      ),
    }
    const reader = await openReader(database.db)
    const pending: string[] = []
    const report = execute(database.db, blind, {
      limits: {...quick, retryBudget: 30_000},
      ledger: null,
      onProgress: (progress) => {
        if (progress.event === 'wait' && progress.step.kind === 'finalize') {
          pending.push(progress.reason)
          void reader.end()
        }
      },
    })
    expect((await report).steps.map(({id, status}) => `${id}: ${status}`)).toEqual([
      'detach public.old_1: skipped',
      'finalize public.old_1: done',
      'detach public.old_2: done',
      'finalize public.old_2: done',
    ])
    expect(pending[0]).toContain(`pid ${reader.pid}`)
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
  })

  it('with a default partition names the lock it takes, waits in short turns and lets readers read', async () => {
    const database = await engine.database()
    await sets(database, 'create table rest partition of ticks default')
    const {plan, notes} = await planDetach(database.db, older())
    expect(notes[0]).toMatch(
      /public\.ticks has a default partition \(public\.rest\), so PostgreSQL cannot detach CONCURRENTLY/,
    )
    expect(plan.steps.map(({id, lock, transaction}) => [id, lock, transaction])).toEqual([
      ['detach public.old_1', 'ACCESS EXCLUSIVE', 'own'],
      ['detach public.old_2', 'ACCESS EXCLUSIVE', 'own'],
    ])
    const reader = await openReader(database.db)
    const blocked = run(database.db, plan)
    let longest = 0
    for (let i = 0; i < 10; i += 1) {
      const began = performance.now()
      await database.run('select count(*) from ticks').catch(() => {})
      longest = Math.max(longest, performance.now() - began)
    }
    expect((await blocked).steps[0]!.note).toContain(`pid ${reader.pid}`)
    await reader.end()
    expect(longest).toBeLessThan(1_500)
    expect(stepResults(await run(database.db, plan))).toEqual([
      'detach public.old_1: done',
      'detach public.old_2: done',
    ])
  })

  it.each([
    ['date', "('2020-01-01') to ('2020-02-01')"],
    ['timestamp', "('2020-01-01') to ('2020-02-01')"],
  ])('uses the time zone of the table if the key is a %s', async (type, bounds) => {
    const database = await engine.database()
    await database.run(
      `create table ticks (time ${type} not null) partition by range (time); create table a partition of ticks for values from ${bounds}; create table b partition of ticks for values from ('2020-02-01') to (maxvalue)`,
    )
    expect((await planDetach(database.db, older())).plan.steps.map(({object}) => object)).toEqual([
      'public.a',
      'public.a',
    ])
    expect((await planDetach(database.db, older('public.ticks', 12 * 900))).plan.steps).toEqual([])
  })

  it('runs while rows are written and read, and no writer waits', async () => {
    const database = await engine.database()
    await sets(database)
    const writer = await database.db.openSession()
    let stop = false
    let longest = 0
    let written = 0
    const writing = (async () => {
      while (!stop) {
        const began = performance.now()
        await writer.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, (tx) =>
          tx.query(statement("insert into public.ticks values ('2100-01-01+00', 1)")),
        )
        longest = Math.max(longest, performance.now() - began)
        written += 1
      }
    })()
    const report = await run(database.db, (await planDetach(database.db, older())).plan, {
      ...quick,
      retryBudget: 20_000,
    })
    stop = true
    await writing
    await writer.close()
    expect(report.steps.some(({status}) => status === 'failed')).toBe(false)
    expect(await childrenOf(database, 'ticks')).toHaveLength(1)
    expect(written).toBeGreaterThan(0)
    expect(longest).toBeLessThan(1_500)
  })
})
