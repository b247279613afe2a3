import {expect, it} from 'vitest'
import {prepareDatabase} from '../../../../src/daemon/prepare.js'
import {connect} from '../../../../src/db/connect.js'
import type {Database} from '../../../../src/db/database.js'
import type {DaemonEvent} from '../../../../src/jobs/events.js'
import {hasOccurrences, listJobs} from '../../../../src/jobs/store/job-list.js'
import {declare, readJobs, setState} from '../../../../src/jobs/store/ledger-jobs.js'
import {readAudit} from '../../../../src/jobs/store/read-audit.js'
import {defaultLimits} from '../../../../src/run/limits.js'
import {planFor} from '../../../../src/schema/migrate/request.js'
import {job} from '../../../helpers/daemon-jobs.js'
import {forEachEngine, type TestDatabase} from '../../../helpers/engines.js'
import {migratedBefore} from '../../../helpers/migrated-before.js'
import {up} from '../../../helpers/migrate-up.js'
import {targetOf} from '../../../helpers/server.js'

const context = {sections: {tables: {}, aggregates: {}}, limits: defaultLimits}
const jobs = [job('a', {runner: 'daemon'}), job('b', {schedule: '@hourly', timezone: 'Europe/Berlin'})]

/** A database of the version before with two schedules, a pause and a confirmed retention. */
async function withFormerNames(database: TestDatabase): Promise<void> {
  await migratedBefore(database, 'core.1.15.0')
  await database.run(`insert into qicore.policies (object, kind, config)
    values ('public.ticks', 'retention', '{"after": "7 days", "maxDropPerRun": 8, "consent": {"hash": "h", "by": "ada"}}')`)
  await declare(database.db, jobs, 'ada')
  await setState(database.db, 'b', 'paused', 'bob', 'load')
}

const state = async (db: Database) => ({
  jobs: (await readJobs(db)).map(({name, revision, versions}) => ({name, revision, versions})),
  listed: (await listJobs(db, jobs, Date.parse('2099-01-01T00:00:00Z'))).jobs.map(({name, runner}) => [name, runner]),
  audited: (await readAudit(db, null, null, 60_000)).jobs.map((one) => one.job),
  policies: await db.query({text: 'select object, kind, config from qicore.policies', values: []}),
})

/** A row as a daemon of the older program inserts it. */
const olderInsert = `insert into qicore.job_calendar (job, revision, valid_from, state, runner, schedule, timezone, commands, told, actor, reason)
  select job, revision + 1, valid_from, 'active', runner, schedule, timezone, commands, told, 'older', 'declared'
  from qicore.job_calendar where job = 'a'
  returning revision::int, told`

forEachEngine({native: true}, (engine) => {
  it('migrate up renames job_calendar and its column told, and keeps schedules, pauses and consents', async () => {
    const database = await engine.database()
    const {db, run} = database
    await withFormerNames(database)
    expect(db.server.formerJobTable).toBe(true)
    expect(await hasOccurrences(db)).toBe(true)
    const before = await state(db)
    expect(before.jobs.map(({versions}) => versions.at(-1)!.state)).toEqual(['active', 'paused'])
    expect(await run('select job, told from qicore.job_calendar where revision = 1 order by job')).toEqual([
      {job: 'a', told: true},
      {job: 'b', told: false},
    ])

    expect((await up(db)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect((await planFor(db, {})).plan.steps).toEqual([])
    // This session uses the former names until it reads the server's properties again.
    expect(db.server.formerJobTable).toBe(true)
    expect(await state(db)).toEqual(before)
    await db.probe()
    expect(db.server.formerJobTable).toBe(false)
    expect(await state(db)).toEqual(before)
    expect(await declare(db, jobs, 'ada')).toEqual([])
    expect(
      await run(`select conname from pg_constraint where conrelid = 'qicore.job_schedule'::regclass
        and (conname like '%calendar%' or conname like '%told%')`),
    ).toEqual([])

    expect(await run(olderInsert)).toEqual([{revision: 2, told: true}])
    expect(
      await run(
        "select runner_explicit, actor, set_at is not null as dated from qicore.job_schedule where actor = 'older'",
      ),
    ).toEqual([{runner_explicit: true, actor: 'older', dated: true}])
  }, 120_000)

  it('a daemon whose role may not migrate works with the former names, and still does after the migration', async () => {
    const database = await engine.database()
    const {db, run, autocommit, url} = database
    await withFormerNames(database)
    const role = `older_${db.server.database.slice(-8)}`
    await run(`create role ${role} login; grant usage on schema qicore to ${role};
      grant select, insert, update, delete on all tables in schema qicore to ${role};
      grant usage on all sequences in schema qicore to ${role}`)
    const daemon = await connect(targetOf(url.replace(/\/\/[^@/]*@/, `//${role}@`)), {
      applicationName: 'qicore-db/test',
    })
    const events: DaemonEvent[] = []
    try {
      expect(await prepareDatabase(daemon, context, jobs, (event) => events.push(event))).toBeNull()
      expect(events).toEqual([{event: 'warning', message: expect.stringContaining('migrate core.1.15.0') as string}])
      const changed = [jobs[0]!, job('b', {schedule: '@daily', timezone: 'Europe/Berlin', runner: 'daemon'})]
      expect(await declare(daemon, changed, 'bob')).toEqual(['b: was @hourly Europe/Berlin'])
      await up(db)
      expect(daemon.server.formerJobTable).toBe(true)
      expect(await declare(daemon, jobs, 'bob')).toEqual(['b: was @daily Europe/Berlin'])
      expect((await readJobs(daemon)).map(({versions}) => versions.at(-1)!.state)).toEqual(['active', 'paused'])
      await daemon.probe()
      expect(await declare(daemon, changed, 'bob')).toEqual(['b: was @hourly Europe/Berlin'])
      const stored = 'select revision::int, runner_explicit as explicit from qicore.job_schedule'
      expect(await run(`${stored} where job = 'b' order by revision`)).toEqual(
        [false, false, true, false, true].map((explicit, index) => ({revision: index + 1, explicit})),
      )
    } finally {
      await daemon.close()
      await run(`drop owned by ${role}`)
      await autocommit(`drop role ${role}`)
    }
  }, 120_000)
})
