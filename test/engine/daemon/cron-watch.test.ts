import {expect, it} from 'vitest'
import {createJobRegistry} from '../../../src/daemon/job-registry.js'
import {watchCron} from '../../../src/daemon/cron-watch.js'
import {claim} from '../../../src/jobs/store/claims.js'
import {declare, readJobs} from '../../../src/jobs/store/ledger-jobs.js'
import {loadSql} from '../../../src/db/load-sql.js'
import {statement} from '../../../src/db/sql.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'

const minutely = job('j', {schedule: '* * * * *'})
const registry = async ({db}: TestDatabase, given = minutely) => {
  const made = createJobRegistry(
    [given],
    () => {},
    () => false,
  )
  made.read(await readJobs(db), true)
  return made
}
const clockAhead = ({run}: TestDatabase, seconds: number) =>
  run(
    `create or replace function qicore.now() returns timestamptz language sql volatile return pg_catalog.clock_timestamp() + interval '${seconds} seconds'`,
  )

/** The daemon's actions at each due time of pg_cron. */
const lookAt = async (database: TestDatabase) => {
  const made = await registry(database)
  const [{now}] = (await database.db.query<{now: string}>(statement('select qicore.now() as now'))) as [{now: string}]
  for (const entry of made.entries()) {
    const {decision} = made.reckon(entry, Date.parse(now))
    if (decision !== null)
      await claim(database.db, [{job: entry.job, state: entry.state!, decision}], identity('d'), 60)
  }
  return made
}
const begun = ({run}: TestDatabase, part: string, ago: string) =>
  run(`insert into qicore.maintenance_log (operation, job, status, started_at, completed_at, application, detail)
    values ('sql', 'j', 'done', qicore.now() - interval '${ago}', qicore.now(), 'pg_cron', jsonb_strip_nulls(jsonb_build_object('pid', 1, 'part', nullif('${part}', ''))))`)

forEachEngine({}, (engine) => {
  it('records each due time of pg_cron as skipped, and reports one that pg_cron did not start in time', async () => {
    const database = await withCore(await engine.database())
    const {db, run} = database
    const commands = {'public.a': 'call a()', 'public.b': 'call b()'}
    await run(
      statement(loadSql('jobs/declare-new'), [
        JSON.stringify([{name: 'j', kind: 'sql', schedule: '* * * * *', timezone: 'UTC', runner: 'pg_cron', commands}]),
        'ada',
      ]),
    )
    await clockAhead(database, 300)
    const made = await lookAt(database)
    expect(await run("select distinct status, reason from qicore.maintenance_log where job = 'j'")).toEqual([
      {status: 'skipped', reason: 'enforced by pg_cron'},
    ])
    expect(await run("select count(*)::int >= 4 as n from qicore.maintenance_log where job = 'j'")).toEqual([{n: true}])
    await begun(database, 'public.a', '30 seconds')
    const problems = await watchCron(db, made.entries())
    // A server that was named for the tests may have a running pg_cron.
    const dead = db.server.pgCronAlive
      ? []
      : [
          expect.stringMatching(
            /^pg_cron's scheduler is not running, but pg_cron is the runner of j\. The daemon does not run it unless/,
          ),
        ]
    expect(problems).toEqual([
      ...dead,
      expect.stringMatching(/^pg_cron has not started j for public\.b, due since .*runner: daemon/),
    ])
    await begun(database, 'public.b', '40 seconds')
    expect(await watchCron(db, made.entries())).toEqual(dead)
  })

  it('reports a job that the configuration gives to pg_cron and nothing schedules, and queries nothing without such jobs', async () => {
    const {db, ...rest} = await withCore(await engine.database())
    const theirs = job('j', {runner: 'pg_cron'})
    await declare(db, [theirs], 'ada')
    const problems = await watchCron(db, (await registry({db, ...rest}, theirs)).entries())
    expect(problems).toContain('j has "runner: pg_cron", but pg_cron has no entry for it. Fix: qicore-db cron install')
    await declare(db, [job('j', {runner: 'daemon'})], 'ada')
    expect(await watchCron(db, (await registry({db, ...rest})).entries())).toEqual([])
  })
})
