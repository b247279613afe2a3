import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import type {Progress} from '../../../src/run/run-step.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {insertStep, planOf, quick} from '../../helpers/run-steps.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

let server: NativePostgres
let admin: Database
const run = (text: string) => admin.transaction(writing, (tx) => tx.query(statement(text)))

beforeAll(async () => {
  server = await startPostgres18({settings: {autovacuum: 'on', autovacuum_naptime: '1s', deadlock_timeout: '1s'}})
  admin = await connect(targetOf(server.url), {applicationName})
  await run('create role owner_of_work login; grant all on schema public to owner_of_work')
})
afterAll(async () => {
  await admin?.close()
  await server?.stop()
})

/** A table that an autovacuum worker is vacuuming, so slowly that it does not end while the test runs. */
async function vacuumedTable(): Promise<void> {
  await run(`
    drop table if exists public.work;
    create table public.work (name text primary key, filler text) with (
      autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100,
      autovacuum_vacuum_cost_limit = 1);
    alter table public.work owner to owner_of_work;
    insert into public.work select n, repeat('x', 500) from generate_series(1, 20000) n;
    update public.work set filler = repeat('y', 500)`)
  const held = statement(`
    select from pg_locks where relation = 'public.work'::regclass and mode = 'ShareUpdateExclusiveLock'
      and pid in (select pid from pg_stat_activity where backend_type = 'autovacuum worker')`)
  while ((await admin.query(held)).length === 0) await pause(100)
}

const alter = insertStep('none', {
  id: 'alter work',
  statements: [statement('alter table public.work add column more int')],
  lock: 'ACCESS EXCLUSIVE',
  doneCheck: statement(
    "select exists (select from pg_attribute where attrelid = 'public.work'::regclass and attname = 'more') as done",
  ),
})

async function runAlter(db: Database, retryBudget: number) {
  const waits: string[] = []
  const onProgress = (progress: Progress) => void (progress.event === 'wait' && waits.push(progress.reason))
  const limits = {...quick, retryBudget}
  const {steps} = await execute(db, planOf(alter), {limits, ledger: null, onProgress})
  return {step: steps[0]!, waits}
}

it('has an autovacuum worker cancelled that blocks a step, though the step waits less than deadlock_timeout', async () => {
  await vacuumedTable()
  const {step, waits} = await runAlter(admin, 20_000)
  expect(step).toMatchObject({status: 'done', attempts: 2})
  expect(waits).toEqual([expect.stringContaining('(autovacuum worker) holds ShareUpdateExclusiveLock on public.work')])
})

it('is cancelled by the routines of the schema qicore too', async () => {
  await vacuumedTable()
  await execute(admin, await planInstall(admin), {limits: defaultLimits, ledger: null})
  const altered = admin.transaction(writing, async (tx) => {
    await tx.query(statement('select qicore.limit_lock_wait(500)'))
    await tx.query(statement('alter table public.work add column more int'))
  })
  await expect(altered).resolves.toBeUndefined()
})

it('says what a role can do that may not have it cancelled, and cancels it once that is granted', async () => {
  await vacuumedTable()
  const url = server.url.replace('postgres@', 'owner_of_work@')
  const owner = await connect(targetOf(url), {applicationName})
  const {step} = await runAlter(owner, 1_000)
  expect(step).toMatchObject({status: 'failed', reason: {code: 'blocked'}})
  expect(step.note).toContain('GRANT SET ON PARAMETER deadlock_timeout')
  await run('grant set on parameter deadlock_timeout to owner_of_work')
  expect((await runAlter(owner, 20_000)).step).toMatchObject({status: 'done', attempts: 2})
  await owner.close()
})
