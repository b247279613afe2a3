import {spawnSync} from 'node:child_process'
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {Job} from '../../src/config/jobs.js'
import {connect} from '../../src/db/connect.js'
import type {Database} from '../../src/db/database.js'
import {formatQualifiedName} from '../../src/db/qualified-name.js'
import {ident, raw, sql, statement, type Statement} from '../../src/db/sql.js'
import type {JobContext} from '../../src/jobs/kind.js'
import {ledgerJobs} from '../../src/jobs/store/job-list.js'
import {withCronDatabase, type CronDatabase} from '../../src/pg-cron/cron-database.js'
import {planInstall as planCron, planUninstall} from '../../src/pg-cron/plan.js'
import {readScheduled} from '../../src/pg-cron/scheduled.js'
import {wantedJobs, type WantedJob} from '../../src/pg-cron/wanted.js'
import {planPolicies} from '../../src/policies/plan/plan.js'
import {execute} from '../../src/run/execute.js'
import {defaultLimits} from '../../src/run/limits.js'
import {toScript} from '../../src/run/script.js'
import type {Plan} from '../../src/run/step.js'
import {today} from '../helpers/clock.js'
import {job, withCore} from '../helpers/daemon-jobs.js'
import {skipBecause} from '../helpers/engines.js'
import {attacks, nastyName} from '../helpers/nasty-names.js'
import {ruleOf} from '../helpers/partitions.js'
import {noPgCron, startPgCron, type CronServer} from '../helpers/pgcron.js'
import {days, declare, request, run} from '../helpers/policies.js'
import {quick} from '../helpers/run-steps.js'
import {applicationName, targetOf, writing} from '../helpers/server.js'

const names = [...new Set([...attacks, ...fc.sample(nastyName(40), 5)])]
/** Two of them would be a connection string for psql's \connect, whose argument ends at the end of the line. */
const databases = [
  '$drop$;drop table canary;--',
  `'";\\' %I :x`,
  `dbname=postgres host='`,
  'postgresql://nowhere/x',
  'a\ndrop table canary;--\\',
]
const missing = noPgCron() ?? (spawnSync('psql', ['--version']).status === 0 ? null : 'psql is not installed here')

if (missing !== null) skipBecause(missing)
else
  describe('pg_cron runs jobs over tables and databases with nasty names', () => {
    let server: CronServer
    let admin: Database
    beforeAll(async () => {
      server = await startPgCron()
      admin = await connect(targetOf(server.url), {applicationName})
    }, 60_000)
    afterAll(async () => {
      await admin?.close()
      await server?.stop()
    })

    /** What an operator does with the output of --dry-run --sql. */
    const pipe = (database: string, plan: Plan) => {
      const {status, stderr} = spawnSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], {
        input: toScript(plan, quick, database),
        encoding: 'utf8',
        env: {
          ...process.env,
          PGHOST: '127.0.0.1',
          PGPORT: String(server.port),
          PGUSER: 'postgres',
          PGDATABASE: database,
          PGCLIENTENCODING: 'UTF8',
          PGOPTIONS: '-c client_min_messages=error',
        },
      })
      expect({status, stderr}).toEqual({status: 0, stderr: ''})
    }

    it.each(['postgres', ...databases])('in the database %j', async (database) => {
      if (database !== 'postgres') await admin.autocommit(writing, sql`create database ${ident(database)}`)
      const db = await connect(admin.sibling(database), {applicationName})
      const change = (text: Statement) => db.transaction(writing, (tx) => tx.query(text))
      try {
        await change(statement('create table public.canary (x int)'))
        await withCore({db})
        for (const name of names) await partitionSet(change, name)
        const keys = names.map((name) => formatQualifiedName('public', name))
        await run(
          db,
          (
            await planPolicies(
              db,
              request(keys.map((key) => declare(key, {retention: {after: days(7), native: false}}))),
            )
          ).plan,
        )
        await withCronDatabase(db, applicationName, async (home) => {
          const jobs = [
            ...names.map(
              (name, index) => ({...job(`sql-${index}`), options: {statement: name, searchPath: name}}) as Job,
            ),
            {...job('x'), name: 'retain', kind: 'retain', options: {}} as Job,
            {...job('x'), name: 'analyze', kind: 'analyze', options: {}} as Job,
            {...job('x'), name: 'partitions', kind: 'partitions', options: {}} as Job,
          ]
          const {jobs: wanted} = await wantedJobs(db, {jobs, dialect: home, context: contextOf(db, keys)})
          expect(wanted.map((one) => one.job.name)).toEqual(jobs.map(({name}) => name))
          const install = () => planFor(db, home, wanted, jobs)
          const half = (await install()).steps.length >> 1
          pipe(database, {...(await install()), steps: (await install()).steps.slice(0, half)})
          const {steps} = await execute(db, await install(), {
            limits: defaultLimits,
            ledger: null,
            resolveSession: () => home.db,
          })
          expect(steps.filter(({status}) => status !== 'done')).toEqual([])
          expect((await install()).steps).toEqual([])
          const {ours} = await readScheduled(home, database)
          const runs = wanted.flatMap((one) => one.runs)
          const shown = (list: readonly {name: string | null; schedule: string; command: string}[]) =>
            list.map(({name, schedule, command}) => `${name}|${schedule}|${command}`).sort()
          expect(shown(ours)).toEqual(shown(runs))

          // As pg_cron sends it: the whole text, in a session of that database.
          for (const {part, command} of runs.filter(({part}) => part !== '')) {
            await db.autocommit({...writing, searchPath: 'pg_catalog'}, statement(command))
            expect(part).toMatch(/^public\./)
          }
          expect(
            await db.query(statement("select count(*) as n from pg_class where relname like 'o%' and relispartition")),
          ).toEqual([{n: 0}])
          expect(
            await db.query(statement("select count(*) as n from pg_class where relname like 'n%' and relispartition")),
          ).toEqual([{n: names.length}])

          pipe(
            database,
            planUninstall(db, home, await readScheduled(home, database), await ledgerJobs(db), jobs, 'tester'),
          )
          expect(await readScheduled(home, database)).toEqual({ours: [], foreign: []})
        })
        expect(await db.query(statement("select count(*) as n from pg_class where relname = 'canary'"))).toEqual([
          {n: 1},
        ])
      } finally {
        await db.close()
      }
    })
  })

/** Partitioned by the column with the nasty name, with one old and one current partition with a row each. */
async function partitionSet(change: (text: Statement) => Promise<unknown>, name: string): Promise<void> {
  const [table, column] = [ident('public', name), ident(name)]
  await change(sql`create table ${table} (${column} timestamptz not null) partition by range (${column})`)
  for (const [prefix, from, to] of [
    ['o', 30, 20],
    ['n', 20, -1],
  ] as const)
    await change(
      sql`create table ${ident('public', `${prefix}${name}`)} partition of ${table} for values from (${raw(`${today} - interval '${from} days'`)}) to (${raw(`${today} - interval '${to} days'`)})`,
    )
  await change(
    sql`insert into ${table} select ${raw(today)} - make_interval(days => age) from unnest(array[25, 1]) as age`,
  )
}

const contextOf = (db: Database, keys: readonly string[]): Omit<JobContext, 'job' | 'leaveToCron'> =>
  ({
    limits: defaultLimits,
    now: db.server.now,
    partitions: () => keys.map((key) => ruleOf(key)),
    sections: {
      tables: Object.fromEntries(keys.map((key) => [key, {compression: {after: days(7)}}])),
      aggregates: {},
    },
  }) as unknown as Omit<JobContext, 'job' | 'leaveToCron'>

async function planFor(
  db: Database,
  home: CronDatabase,
  wanted: readonly WantedJob[],
  jobs: readonly Job[],
): Promise<Plan> {
  return planCron(db, {
    home,
    wanted,
    scheduled: await readScheduled(home, db.server.database),
    known: await ledgerJobs(db),
    declared: jobs,
    actor: 'tester',
  })
}
