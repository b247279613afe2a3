import {afterAll, beforeAll, expect, it} from 'vitest'
import {readCronEntries} from '../../src/catalog/cron-entries.js'
import {connect} from '../../src/db/connect.js'
import type {Database} from '../../src/db/database.js'
import {sql, statement} from '../../src/db/sql.js'
import {bothDays, cronUpdatePending, timeZone} from '../../src/doctor/checks/pg-cron.js'
import {askDoctor} from '../helpers/doctor.js'
import {skipBecause} from '../helpers/engines.js'
import {noPgCron, startPgCron, type CronServer} from '../helpers/pgcron.js'
import {applicationName, targetOf, writing} from '../helpers/server.js'

const reason = noPgCron()
if (reason !== null) skipBecause(`pg_cron: ${reason}`)
else tests()

function tests(): void {
  let server: CronServer

  beforeAll(async () => {
    server = await startPgCron()
  }, 120_000)
  afterAll(() => server?.stop())

  async function connected<T>(work: (db: Database) => Promise<T>, role = 'postgres'): Promise<T> {
    const url = new URL(server.url)
    url.username = role
    const db = await connect(targetOf(url.href), {applicationName})
    return work(db).finally(() => db.close())
  }

  const change = async (...texts: string[]) => {
    await connected(async (db) => {
      for (const text of texts) await db.autocommit(writing, statement(text))
    })
    await server.kill()
    await server.start()
  }

  const ask = (id: string, role?: string) => connected((db) => askDoctor({db}, id), role)
  const has = async (name: string) =>
    (await connected((db) => db.query(sql`select from pg_settings where name = ${name}`))).length > 0

  it('has its active entries read, of this database only, with and without a name', async () => {
    const command = "call drop_old_time_partitions('t', now() - interval '1 year')"
    const entries = await connected(async (db) => {
      await db.autocommit(writing, sql`select cron.schedule('purge', '0 0 1 * *', ${command})`)
      await db.autocommit(writing, sql`select cron.schedule('1 2 * * *', ${'select 1'})`)
      await db.autocommit(writing, sql`select cron.schedule('off', '0 0 1 * *', ${command})`)
      await db.autocommit(writing, sql`select cron.schedule('elsewhere', '0 0 1 * *', ${command})`)
      await db.autocommit(writing, sql`update cron.job set active = false where jobname = 'off'`)
      await db.autocommit(writing, sql`update cron.job set database = 'template1' where jobname = 'elsewhere'`)
      const read = await readCronEntries(db)
      await db.autocommit(writing, sql`delete from cron.job`)
      return read
    })
    expect(entries?.map(({name, schedule, command: text}) => [name, schedule, text])).toEqual([
      ['purge', '0 0 1 * *', command],
      [null, '1 2 * * *', 'select 1'],
    ])
  }, 120_000)

  it('finds more jobs than workers, and the fix ends it', async () => {
    await change('alter system set cron.max_running_jobs = 5')
    expect((await ask('settings.cron_workers')).status).toBe('passed')
    await change('alter system set cron.max_running_jobs = 31')
    const {findings} = await ask('settings.cron_workers')
    expect(findings).toMatchObject([{severity: 'warning', data: {runningJobs: 31, maxWorkerProcesses: 32}}])
    await change(statementIn(findings[0]!.fix.text))
    expect((await ask('settings.cron_workers')).status).toBe('passed')
  }, 180_000)

  it.for([
    ['settings.cron_timezone', 'cron.timezone', 'Europe/Berlin'],
    ['settings.cron_days', 'cron.match_dom_and_dow', 'on'],
  ] as const)(
    '%s: finds the setting and passes after the fix',
    {timeout: 120_000},
    async ([id, name, value], context) => {
      expect((await ask(id)).status).toBe('passed')
      if (!(await has(name))) return context.skip(`this pg_cron has no setting ${name}`)
      await change(`alter system set ${name} = '${value}'`)
      const {findings} = await ask(id)
      expect(findings).toMatchObject([{severity: 'warning', fix: {kind: 'advice'}}])
      await change(statementIn(findings[0]!.fix.text))
      expect((await ask(id)).status).toBe('passed')
    },
  )

  it('finds older objects than the files, and the printed statement updates them', async () => {
    await connected(async (db) => {
      const newest = db.server.pgCronAvailable!
      await db.autocommit(writing, statement('drop extension pg_cron'))
      await db.autocommit(writing, statement("create extension pg_cron version '1.3'"))
      await db.probe()
      const {findings} = await askDoctor({db}, 'condition.cron_update_pending')
      expect(findings).toMatchObject([{severity: 'warning', data: {installed: '1.3', available: newest}}])
      expect(findings[0]!.fix).toEqual({kind: 'sql', text: 'alter extension pg_cron update'})
      await db.autocommit(writing, statement(findings[0]!.fix.text))
      await db.probe()
      expect((await askDoctor({db}, 'condition.cron_update_pending')).status).toBe('passed')
    })
  })

  it('finds the defects of the library if there is a job, and only possible ones for a role that sees no jobs', async () => {
    const ids = async () => (await ask('hazards.failure')).findings.map(({data}) => data.id)
    await connected(async (db) => {
      expect(await ids()).toEqual([])
      await db.autocommit(writing, statement("select cron.schedule('yearly', '0 0 1 1 *', 'select 1')"))
      const certain = db.server.pgCronRange?.to ?? null
      expect(await ids()).toEqual(
        certain === '1.4.2' ? expect.arrayContaining(['pg_cron-370', 'pg_cron-319']) : expect.any(Array),
      )
      await db.autocommit(writing, sql`create role blind login`)
      expect(await ask('hazards.pg_cron_version', 'blind')).toMatchObject({
        status: 'unknown',
        missing: expect.stringMatching(/^pg_cron is .*pg_cron-370: .*https:/),
        missingFix: {kind: 'advice'},
      })
      await db.autocommit(writing, statement("select cron.unschedule('yearly')"))
      expect(await ids()).toEqual([])
    })
  })

  it('does not know for a role that may not see the settings, and knows with the grant', async () => {
    await connected((db) => db.autocommit(writing, sql`create role plain login`))
    expect(await ask('settings.cron_timezone', 'plain')).toMatchObject({
      status: 'unknown',
      missingFix: {kind: 'sql', text: 'grant pg_monitor to "plain"'},
    })
    await connected((db) => db.autocommit(writing, sql`grant pg_monitor to plain`))
    expect((await ask('settings.cron_timezone', 'plain')).status).toBe('passed')
  })
}

const statementIn = (advice: string) => advice.slice(advice.indexOf('alter system'))

// pg_cron 1.3, which Debian has, knows neither setting: these are judged by a row of the statement.
it('settings.cron_timezone and settings.cron_days: by the row that the server gives', () => {
  const row = {
    timezone: 'Europe/Berlin',
    changes_clocks: true,
    matches_both_days: true,
    uses_workers: true,
    running_jobs: 5,
    max_worker_processes: 32,
  }
  expect(timeZone(row)).toMatchObject([{severity: 'warning', data: {timezone: 'Europe/Berlin'}}])
  expect(bothDays(row)).toMatchObject([{severity: 'warning', data: {matchesBothDays: true}}])
  expect(timeZone({...row, timezone: 'Asia/Kolkata', changes_clocks: false})).toEqual([])
  expect(bothDays({...row, matches_both_days: false})).toEqual([])
})

// No server of a test has files that are newer than its library.
it('condition.cron_update_pending: the server is restarted before the objects are updated if its library is older', () => {
  const library = {from: '1.4.2', to: '1.4.2'}
  for (const pgCron of ['1.4-1', '1.6'])
    expect(cronUpdatePending({pgCron, pgCronAvailable: '1.6', pgCronRange: library})).toMatchObject([
      {data: {library}, fix: {kind: 'advice', text: expect.stringMatching(/^Restart the server/)}},
    ])
  expect(cronUpdatePending({pgCron: '1.4-1', pgCronAvailable: '1.4-1', pgCronRange: library})).toEqual([])
  expect(cronUpdatePending({pgCron: '1.6', pgCronAvailable: '1.6', pgCronRange: {from: '1.6.0', to: null}})).toEqual([])
})
