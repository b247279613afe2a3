import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {nameCauses} from '../../../src/run/blockers.js'
import {execute} from '../../../src/run/execute.js'
import {forEachEngine} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'
import {insertStep, planOf, quick, workTable} from '../../helpers/run-steps.js'

forEachEngine({native: true}, (engine) => {
  it('a report that stopped waiting for a lock names the session that holds it, and exits 5', async () => {
    const {db, run, target} = await engine.database()
    await run(workTable)
    const other = await connect(target, {applicationName: 'psql of mira'})
    const read = () => nameCauses(db, 'run stats', () => db.query(statement('select * from public.work')))
    await other.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      const [row] = await tx.query<{pid: number}>(statement('select pg_backend_pid() as pid'))
      await tx.query(statement('lock table public.work in access exclusive mode'))
      await expect(read()).rejects.toMatchObject({
        code: 'LOCKED',
        exitCode: 5,
        message: expect.stringMatching(
          new RegExp(
            `^Cannot run stats: .*\\[55P03\\]: pid ${row!.pid} \\(postgres, psql of mira\\) holds AccessExclusiveLock on (public\\.)?work for 0 s, idle in transaction: lock table`,
          ),
        ) as string,
      })
    })
    expect(await read()).toEqual([])
    await other.close()
  })

  it('a report of a role that may not use a schema has the GRANT, which works', async () => {
    const {db, run} = await engine.database()
    const role = `no usage of ${db.server.database}`
    await run(`create role "${role}"; create schema "closed one"; create table "closed one".t (i int);
      grant select on "closed one".t to "${role}"`)
    const asRole = () => db.transaction({...writing, role}, (tx) => tx.query(statement('select i from "closed one".t')))
    // The server's session has the login role: the GRANT names it.
    const named = {...db, server: {...db.server, role}} as unknown as typeof db
    const refused = await nameCauses(named, 'run stats', asRole).catch((error: unknown) => error)
    const grant = `grant usage on schema "closed one" to "${role}"`
    expect(refused).toMatchObject({
      code: 'NO_PRIVILEGE',
      exitCode: 1,
      suggestions: [`As the owner of the object: ${grant}`],
    })
    await run(grant)
    expect(await nameCauses(named, 'run stats', asRole)).toEqual([])
    await run(`drop owned by "${role}"; drop role "${role}"`)
  })

  it('every other error of a report is passed on unchanged', async () => {
    const {db} = await engine.database()
    const failed = nameCauses(db, 'run stats', () => db.query(statement('select 1 / 0')))
    await expect(failed).rejects.toMatchObject({code: '22012'})
  })
})

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it("TimescaleDB's advice on the types of columns is not reported, its other warnings are", async () => {
    const {db, run} = await engine.database()
    await run(`${workTable}; create table typed (at timestamp not null, name varchar(9))`)
    const step = insertStep('a', {
      statements: [
        statement("select public.create_hypertable('public.typed', 'at')"),
        statement("do $$ begin raise warning 'this column does not follow best practices'; end $$"),
        ...insertStep('a').statements,
      ],
    })
    const {steps} = await execute(db, planOf(step), {limits: quick, ledger: null})
    expect(steps).toMatchObject([
      {status: 'done', note: 'warning from the server: this column does not follow best practices'},
    ])
  })
})
