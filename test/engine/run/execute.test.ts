import {expect, it} from 'vitest'
import {openLedger} from '../../../src/run/run-log.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {connect} from '../../../src/db/connect.js'
import type {Db} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {execute, preview} from '../../../src/run/execute.js'
import type {Progress} from '../../../src/run/run-step.js'
import {toScript} from '../../../src/run/script.js'
import type {Step} from '../../../src/run/step.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {startRelay} from '../../helpers/relay.js'
import {targetOf, writing} from '../../helpers/server.js'
import {insertStep, planOf, quick, workTable} from '../../helpers/run-steps.js'

const options = {limits: quick, ledger: null}
const names = async ({run}: TestDatabase) =>
  (await run<{name: string}>('select name from work order by at')).map(({name}) => name)

forEachEngine({}, (engine) => {
  it('a preview changes nothing, a run does it, and the next run has nothing to do', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const plan = planOf(insertStep('a'), insertStep('b'))

    expect((await preview(database.db, plan)).steps.map(({status}) => status)).toEqual(['planned', 'planned'])
    expect(await names(database)).toEqual([])

    const first = await execute(database.db, plan, options)
    expect(first.steps.map(({status}) => status)).toEqual(['done', 'done'])
    expect(first.steps.every(({ms, bytes}) => ms !== null && bytes === 10)).toBe(true)
    expect(await names(database)).toEqual(['a', 'b'])

    const second = await execute(database.db, plan, options)
    expect(second.steps.map(({status, note}) => [status, note])).toEqual([
      ['skipped', 'already done'],
      ['skipped', 'already done'],
    ])
    expect((await preview(database.db, plan)).steps.map(({status}) => status)).toEqual(['skipped', 'skipped'])
  })

  it('checks 500 steps in a preview with few queries, with the result of a single check if one fails', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const steps = Array.from({length: 500}, (_, n) => insertStep(`step ${n}`))
    await database.run("insert into work (name) select 'step ' || n from generate_series(0, 499, 7) n")
    let queries = 0
    const counting = {
      ...database.db,
      query: ((...args: Parameters<typeof database.db.query>) => {
        queries += 1
        return database.db.query(...args)
      }) as typeof database.db.query,
    }
    const {steps: seen} = await preview(counting, planOf(...steps))
    expect(seen.flatMap(({status}, n) => (status === 'skipped' ? [n] : []))).toEqual(
      Array.from({length: 72}, (_, n) => n * 7),
    )
    expect(queries).toBe(1)
    const none = insertStep('no row', {doneCheck: statement('select true as done where false')})
    const broken = insertStep('broken', {doneCheck: statement('select 1 / 0 = 1 as done')})
    expect((await preview(database.db, planOf(...steps.slice(0, 2), none))).steps.map(({status}) => status)).toEqual([
      'skipped',
      'planned',
      'planned',
    ])
    await expect(preview(database.db, planOf(...steps.slice(0, 300), broken))).rejects.toThrow('division by zero')
  })

  it('continues with independent steps after a failure, and skips those that depend on it', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const broken = insertStep('broken', {
      statements: [statement("insert into public.work (name) values ('half')"), statement('select 1 / 0')],
    })
    const plan = planOf(
      broken,
      insertStep('child', {dependsOn: [broken.id]}),
      insertStep('grandchild', {dependsOn: ['insert child']}),
      insertStep('free'),
    )
    const {steps, interrupted} = await execute(database.db, plan, options)
    expect(steps.map(({status}) => status)).toEqual(['failed', 'skipped', 'skipped', 'done'])
    expect(steps[0]!.error).toMatch(/row broken: division by zero .*\[22012\]/)
    expect(steps[1]).toMatchObject({reason: {code: 'needs', step: 'insert broken'}, note: 'needs insert broken'})
    expect(steps[2]).toMatchObject({reason: {code: 'needs', step: 'insert child'}, note: 'needs insert child'})
    expect(interrupted).toBe(false)
    expect(await names(database)).toEqual(['free'])
  })

  it('a step that comes after another one waits for its end, and is done even if that one failed', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const broken = insertStep('broken', {statements: [statement('select pg_sleep(0.3)'), statement('select 1 / 0')]})
    const plan = planOf(broken, insertStep('next', {after: [broken.id]}), insertStep('last', {after: ['insert next']}))
    const ends: string[] = []
    const {steps} = await execute(database.db, plan, {
      ...options,
      workers: 3,
      onProgress: (progress) => void (progress.event === 'wait' || ends.push(`${progress.event} ${progress.step.id}`)),
    })
    expect(steps.map(({status}) => status)).toEqual(['failed', 'done', 'done'])
    expect(ends).toEqual(['broken', 'next', 'last'].flatMap((name) => [`start insert ${name}`, `end insert ${name}`]))
  })

  it('a server\'s warning that begins with "needs " is only a warning: dependent steps run', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const warns = insertStep('warns', {
      statements: [
        statement("do $$ begin raise warning 'needs a look'; end $$"),
        statement("insert into public.work (name) values ('warns')"),
      ],
    })
    const {steps} = await execute(database.db, planOf(warns, insertStep('child', {dependsOn: [warns.id]})), options)
    expect(steps).toMatchObject([
      {status: 'done', reason: null, note: 'warning from the server: needs a look'},
      {status: 'done', reason: null},
    ])
    expect(await names(database)).toEqual(['warns', 'child'])
  })

  it('names the file and the line if a statement of a file fails', async () => {
    const {db} = await engine.database()
    const text = 'select 1 -- é 😀\n,\n  nowhere.at_all()'
    const step = insertStep('x', {
      statements: [statement(text)],
      doneCheck: null,
      source: {file: 'm/0001_x.sql', lines: [10]},
    })
    const {steps} = await execute(db, planOf(step), options)
    expect(steps[0]!.error).toMatch(/^m\/0001_x\.sql:12: schema "nowhere" does not exist/)
  })

  it('stops between steps when asked to, and leaves the rest planned', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const stop = new AbortController()
    const report = await execute(database.db, planOf(insertStep('a'), insertStep('b')), {
      ...options,
      stop: stop.signal,
      onProgress: ({event}) => event === 'start' && stop.abort(),
    })
    expect(report.steps.map(({status}) => status)).toEqual(['done', 'planned'])
    expect(report.interrupted).toBe(true)
  })

  it('prints a script that the server runs with the same result', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const script = toScript(planOf(insertStep("it's"), insertStep('b\\c')), quick)
    await database.run(statement(script.replaceAll(/^(begin|commit);$/gm, '')))
    expect(await names(database)).toEqual(["it's", 'b\\c'])
  })
})

forEachEngine({native: true}, (engine) => {
  it('waits for a lock in short attempts, names the holder, and succeeds when it is free', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const other = await connect(database.target, {applicationName: 'a-long-reader'})
    let free = () => {}
    const held = other.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement('lock table public.work in access exclusive mode'))
      await new Promise<void>((resolve) => (free = resolve))
    })
    await expect
      .poll(() =>
        database.db.query(
          statement("select from pg_locks where mode = 'AccessExclusiveLock' and relation = 'public.work'::regclass"),
        ),
      )
      .toHaveLength(1)
    const waits: Progress[] = []
    const step = insertStep('a', {doneCheck: null})
    const report = await execute(database.db, planOf(step), {
      ...options,
      onProgress: (progress) => {
        if (progress.event !== 'wait') return
        waits.push(progress)
        if (waits.length === 2) free()
      },
    })
    await held
    await other.close()
    expect(report.steps[0]).toMatchObject({status: 'done', attempts: 3})
    expect(waits).toHaveLength(2)
    expect(waits[0]).toMatchObject({
      reason: expect.stringMatching(/^pid \d+ \(.*a-long-reader\) holds AccessExclusiveLock on public\.work/),
    })
  })

  it('counts a lost race as skipped, not as failed', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const other = await connect(database.target, {applicationName: 'a-winner'})
    // Not done at the check; the step then waits until another session has done it, and collides with that row.
    const won = "exists (select from public.work where name = 'raced')"
    const step = insertStep('raced', {
      statements: [
        statement(
          `do $$ begin for i in 1..1000 loop if ${won} then return; end if; perform pg_sleep(0.01); end loop; raise 'alone'; end $$`,
        ),
        ...insertStep('raced').statements,
      ],
    })
    const running = execute(database.db, planOf(step), options)
    await expect
      .poll(() =>
        other.query(
          statement("select from pg_stat_activity where query like 'do $$%' and datname = current_database()"),
        ),
      )
      .toHaveLength(1)
    await other.query(insertStep('raced').statements[0]!, writing)
    expect((await running).steps[0]).toMatchObject({status: 'skipped', reason: {code: 'done_meanwhile'}})
    await other.close()
  })

  it('sends a step with its ledger row and the check whether it is done in one round trip', async () => {
    const database = await engine.database()
    const relay = await startRelay(database.url)
    const db = await connect(targetOf(relay.url), {applicationName: 'qicore-db/far'})
    await execute(db, await planInstall(db), options)
    await db.probe()
    await database.run(workTable)
    const fence = async (tx: Db) => void (await tx.query(statement('select 1')))
    const ledger = (await openLedger(db, {operation: 'test', actor: 'me', targetHost: 'here', detail: {}}, quick))!
    const ways = async (untouched: boolean, ...steps: Step[]) => {
      relay.ways()
      const {steps: reports} = await execute(db, planOf(...steps), {
        limits: quick,
        ledger: {...ledger, finish: async () => {}},
        fence,
        untouched: () => untouched,
      })
      expect(reports.every(({status}) => status === 'done')).toBe(true)
      return relay.ways()
    }
    const many = (name: string) =>
      insertStep(name, {statements: [...insertStep(name).statements, statement('select 1'), statement('select 2')]})
    expect(await ways(true, many('a'), many('b'))).toBe(2)
    expect(await ways(false, many('c'), many('d'))).toBe(2)
    expect(
      await database.run(
        'select step, status, completed_at >= started_at as ordered from qicore.maintenance_step order by position, step',
      ),
    ).toEqual(
      ['insert a', 'insert c', 'insert b', 'insert d'].map((name) => ({step: name, status: 'done', ordered: true})),
    )
    await db.close()
    await relay.close()
  })

  it("keeps the server's warnings, also those that arrive after COMMIT was sent", async () => {
    const database = await engine.database()
    await database.run(workTable)
    await execute(database.db, await planInstall(database.db), options)
    await database.db.probe()
    const ledger = await openLedger(
      database.db,
      {operation: 'test', actor: 'me', targetHost: 'here', detail: {}},
      quick,
    )
    const warning = statement("do $$ begin raise warning 'mind the gap'; end $$")
    const {steps} = await execute(
      database.db,
      planOf(insertStep('a', {statements: [warning, ...insertStep('a').statements]})),
      {limits: quick, ledger},
    )
    expect(steps[0]).toMatchObject({status: 'done', note: 'warning from the server: mind the gap'})
    expect(await database.run("select status, detail ->> 'note' as note from qicore.maintenance_step")).toEqual([
      {status: 'done', note: 'warning from the server: mind the gap'},
    ])
  })

  it('continues with other steps while another session blocks one, and returns to it', async () => {
    const database = await engine.database()
    await database.run(workTable)
    await database.run('create table held (x int)')
    const other = await connect(database.target, {applicationName: 'a-long-reader'})
    let free = () => {}
    const held = other.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement('lock table public.held in access share mode'))
      await new Promise<void>((resolve) => (free = resolve))
    })
    await expect
      .poll(() =>
        database.db.query(statement("select from pg_locks where granted and relation = 'public.held'::regclass")),
      )
      .toHaveLength(1)
    const lock = statement('lock table public.held in access exclusive mode')
    const blocked = insertStep('blocked', {
      statements: [lock, ...insertStep('blocked').statements],
      doneCheck: null,
      lock: 'ACCESS EXCLUSIVE',
      relations: ['public.held'],
    })
    const order: string[] = []
    const {steps} = await execute(
      database.db,
      planOf(blocked, insertStep('needs it', {dependsOn: [blocked.id]}), insertStep('b'), insertStep('c')),
      {
        ...options,
        onProgress: (progress) => {
          order.push(`${progress.event} ${progress.step.object}`)
          if (progress.event === 'end' && progress.step.id === 'insert c') free()
        },
      },
    )
    await held
    await other.close()
    expect(steps.map(({status}) => status)).toEqual(['done', 'done', 'done', 'done'])
    expect(await names(database)).toEqual(['b', 'c', 'blocked', 'needs it'])
    expect(order.slice(0, 3)).toEqual(['start row blocked', 'wait row blocked', 'start row b'])
  })

  it('gives up when its budget is used up, with the blocker in the note', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const other = await connect(database.target, {applicationName: 'never-ends'})
    let free = () => {}
    const held = other.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement('lock table public.work in access exclusive mode'))
      await new Promise<void>((resolve) => (free = resolve))
    })
    await expect
      .poll(() =>
        database.db.query(
          statement("select from pg_locks where mode = 'AccessExclusiveLock' and relation = 'public.work'::regclass"),
        ),
      )
      .toHaveLength(1)
    const step = insertStep('a', {doneCheck: null})
    const {steps} = await execute(
      database.db,
      planOf(step, insertStep('b', {statements: [statement('select 1')], doneCheck: null})),
      {limits: {...quick, retryBudget: 600}, ledger: null},
    )
    free()
    await held
    await other.close()
    expect(steps[0]).toMatchObject({
      status: 'failed',
      reason: {code: 'blocked'},
      note: expect.stringContaining('never-ends'),
    })
    expect(steps[0]!.error).toContain('55P03')
    expect(steps[1]!.status).toBe('done')
  })

  it('reconnects after its backend was killed and repeats only what was not done', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const killer = await connect(database.target, {applicationName: 'killer'})
    const kill = statement(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and query like '%pg_sleep%' and pid <> pg_backend_pid()",
      ['test'],
    )
    const slow = insertStep('slow', {statements: [...insertStep('slow').statements, statement('select pg_sleep(1)')]})
    const mine = await connect(database.target, {applicationName: 'test'})
    let kills = 0
    const running = execute(mine, planOf(slow, insertStep('after')), {
      ...options,
      limits: {...quick, retryBudget: 20_000},
    })
    while (kills === 0) kills += (await killer.query(kill)).length
    const {steps} = await running
    expect(steps.map(({status, attempts}) => [status, attempts])).toEqual([
      ['done', 2],
      ['done', 1],
    ])
    expect(await names(database)).toEqual(['slow', 'after'])
    await Promise.all([mine.close(), killer.close()])
  })

  it('does not know the result of a step that failed after an attempt whose connection was lost', async () => {
    const database = await engine.database()
    await database.run(workTable)
    await database.run('create sequence public.tries')
    const killer = await connect(database.target, {applicationName: 'killer'})
    const mine = await connect(database.target, {applicationName: 'test'})
    // The first attempt may be running: the server need not notice that the connection is gone.
    const failsTheSecondTime = statement("select sqrt(1.5 - nextval('public.tries')), pg_sleep(5)")
    const step = insertStep('x', {statements: [...insertStep('x').statements, failsTheSecondTime]})
    const running = execute(mine, planOf(step), {...options, limits: {...quick, retryBudget: 20_000}})
    // Not before the attempt has taken its number: the statement is also shown while it is only parsed.
    const kill = statement(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'test' and query like '%pg_sleep%' and (select is_called from public.tries)`,
    )
    while ((await killer.query(kill)).length === 0);
    const {steps} = await running
    expect(steps[0]).toMatchObject({status: 'failed', attempts: 2, reason: {code: 'outcome_unknown'}, retryable: null})
    expect(steps[0]!.error).toContain('square root')
    await Promise.all([mine.close(), killer.close()])
  })

  it('finishes the run record on a new connection if the old one was lost after the last step', async () => {
    const database = await engine.database()
    await database.run(workTable)
    await execute(database.db, await planInstall(database.db), {limits: quick, ledger: null})
    const killer = await connect(database.target, {applicationName: 'killer'})
    const mine = await connect(database.target, {applicationName: 'loses'})
    const ledger = (await openLedger(mine, {operation: 'loses', actor: 'me', targetHost: 'here', detail: {}}, quick))!
    const [{pid}] = (await mine.query<{pid: number}>(statement('select pg_backend_pid() as pid'))) as [{pid: number}]
    let lost = 0
    const {steps} = await execute(mine, planOf(insertStep('a')), {
      limits: quick,
      ledger: {
        ...ledger,
        async finish(status, error) {
          if (lost === 0)
            lost += (await killer.query(statement('select pg_terminate_backend($1::int, 5000)', [pid]))).length
          await ledger.finish(status, error)
        },
      },
    })
    expect(lost).toBeGreaterThan(0)
    expect(steps).toMatchObject([{status: 'done', note: null}])
    expect(await database.run("select status from qicore.maintenance_log where operation = 'loses'")).toEqual([
      {status: 'done'},
    ])
    await Promise.all([mine.close(), killer.close()])
  })

  it('does not repeat a step that it cannot check and that is not repeatable', async () => {
    const database = await engine.database()
    const killer = await connect(database.target, {applicationName: 'killer'})
    const mine = await connect(database.target, {applicationName: 'test'})
    const step = insertStep('x', {statements: [statement('select pg_sleep(5)')], doneCheck: null})
    const running = execute(mine, planOf(step), options)
    while (
      (
        await killer.query(
          statement(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and query like '%pg_sleep%'",
          ),
        )
      ).length === 0
    );
    const {steps} = await running
    expect(steps[0]).toMatchObject({status: 'failed', attempts: 1, reason: {code: 'outcome_unknown'}})
    await Promise.all([mine.close(), killer.close()])
  })

  it('cancels the running statement on the server when asked twice', async () => {
    const {db} = await engine.database()
    const [stop, cancel] = [new AbortController(), new AbortController()]
    const report = await execute(
      db,
      planOf(insertStep('x', {statements: [statement('select pg_sleep(30)')], doneCheck: null}), insertStep('y')),
      {
        ...options,
        stop: stop.signal,
        cancel: cancel.signal,
        onProgress: ({event}) => {
          if (event !== 'start') return
          stop.abort()
          setTimeout(() => cancel.abort(), 200)
        },
      },
    )
    expect(report.steps[0]).toMatchObject({
      status: 'failed',
      reason: {code: 'cancelled'},
      error: expect.stringContaining('57014'),
    })
    expect(report.steps[1]!.status).toBe('planned')
    expect(report.interrupted).toBe(true)
  })

  it('also cancels a statement that begins after the cancel request', async () => {
    const {db} = await engine.database()
    const cancel = new AbortController()
    // Outside of a transaction: within one everything is sent together, so no request arrives between statements.
    const step = insertStep('x', {
      transaction: 'none',
      statements: [statement('select pg_sleep(300)')],
      doneCheck: null,
    })
    const fence = async () => {
      cancel.abort()
      // The first request arrives while the session is between two statements.
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    const {steps} = await execute(db, planOf(step), {...options, cancel: cancel.signal, fence})
    expect(steps).toMatchObject([{status: 'failed', reason: {code: 'cancelled'}}])
    // The request does not affect the next statement of the session.
    for (let n = 0; n < 20; n += 1) await db.query(statement('select pg_sleep(0.05)'))
  }, 60_000)

  it('runs independent steps concurrently and dependent ones one after another', async () => {
    const database = await engine.database()
    await database.run(workTable)
    // Each waits until the other has begun: one after another, neither could end.
    const meet = (me: string, other: string) =>
      insertStep(me, {
        statements: [
          statement('select pg_advisory_lock_shared($1)', [me === 'a' ? 1 : 2]),
          statement(`do $$ begin for i in 1..500 loop
        if exists (select from pg_locks where locktype = 'advisory' and objid = ${other === 'a' ? 1 : 2}) then return; end if; perform pg_sleep(0.01); end loop;
        raise 'alone'; end $$`),
          ...insertStep(me).statements,
        ],
      })
    const {steps} = await execute(
      database.db,
      planOf(meet('a', 'b'), meet('b', 'a'), insertStep('c', {dependsOn: ['insert a', 'insert b']})),
      {...options, workers: 3},
    )
    expect(steps.map(({status}) => status)).toEqual(['done', 'done', 'done'])
    expect((await names(database)).at(-1)).toBe('c')
  })
})
