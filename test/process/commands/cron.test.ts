import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {jobKind} from '../../../src/jobs/registry.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {startDaemon} from '../../helpers/daemon-crowd.js'
import {expectExit, jsonOf, runCli, type CliResult} from '../../helpers/cli.js'
import {forEachEngine, skipBecause} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {noPgCron, startPgCron, type CronServer} from '../../helpers/pgcron.js'
import {applicationName, targetOf, urlOfDatabase, writing} from '../../helpers/server.js'
import {isFor, sqlFiles} from '../../helpers/sql-files.js'

interface Status {
  scheduler: string
  pgCron: {version: string; database: string; here: boolean} | null
  jobs: {
    job: string | null
    part: string | null
    name: string
    jobId: number | null
    schedule: string
    state: string
    lastStatus: string | null
    cronStatus: string | null
    message: string | null
    ok: boolean | null
    findings: string[]
  }[]
  foreign: {name: string | null; command: string}[]
  left: {job: string; why: string}[]
  notes: string[]
}
interface Change {
  steps: {id: string; status: string; sql?: string}[]
}
interface Failure {
  error: {code: string; message: string; exitCode: number; suggestions: string[]}
}

const missing = noPgCron()
if (missing !== null) skipBecause(missing)
else
  describe('with a real pg_cron', () => {
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

    const run = <Row extends object>(text: string) => admin.transaction(writing, (tx) => tx.query<Row>(statement(text)))
    const scheduled = () =>
      run<{
        jobid: number
        jobname: string
        schedule: string
        command: string
        database: string
        username: string
        active: boolean
      }>('select * from cron.job order by jobname')
    const jobsYaml = (jobs: string, more = '') =>
      directoryWith({
        'qicore-db.config.yaml': `version: 1\n${more}jobs:\n${jobs}  maintain: none\n  refresh: none\n  retain: none\n  partitions: none\n  prune-history: none\n  snapshot: none\n`,
      })
    const cli = (args: string[], cwd: string, url = server.url) => runCli([...args, '--url', url], {cwd})
    const status = async (cwd: string, url?: string, ...more: string[]) =>
      jsonOf<Status>(await cli(['cron', 'status', '--json', ...more], cwd, url))
    const install = (cwd: string, url?: string) => cli(['cron', 'install', '--yes', '--json'], cwd, url)
    const failureOf = (result: CliResult, exitCode: number) => {
      expectExit(result, exitCode)
      return jsonOf<Failure>(result).error
    }
    const stepsOf = (result: CliResult) => jsonOf<Change>(result).steps.map(({id, status: how}) => `${id} ${how}`)
    const clean = async () => {
      await run('select cron.unschedule(jobid) from cron.job')
      await run('drop schema if exists qicore cascade')
    }

    it('prepares the statements that are for pg_cron', async () => {
      await admin.probe()
      const files = sqlFiles().filter((file) => file.pgCron !== null)
      for (const file of files.filter((candidate) => isFor(candidate, admin.server)))
        await run(`prepare tried as ${file.text}`).finally(() => run('deallocate all'))
      expect(files.length).toBeGreaterThan(4)
    })

    it('shows the plan, asks, does it, and then has nothing to do; entries of others are unchanged', async () => {
      await clean()
      await run(
        "select cron.schedule('hypertable-maintenance', '0 2 * * *', 'select 1'), cron.schedule('qicore:other:maintain', '0 3 * * *', 'call public.maintain_hypertables()'), cron.schedule('0 4 * * *', 'call public.maintain_hypertables()')",
      )
      const foreign = await scheduled()
      const cwd = jobsYaml(
        "  report: { kind: sql, schedule: '15 6 * * mon-fri', statement: \"select 'it''s'\" }\n  other: { kind: sql, schedule: '@daily', statement: select 2 }\n",
      )
      const dry = await cli(['cron', 'install', '--dry-run'], cwd)
      expectExit(dry, 0)
      expect(dry.stdout).toContain(
        "select cron.schedule('qicore:postgres:report', '15 6 * * 1-5', 'call qicore.run_sql(''report'', ''select ''''it''''''''s'''''', ''public'')') as id;",
      )
      expect(await scheduled()).toEqual(foreign)
      expectExit(await cli(['cron', 'install'], cwd), 7)
      expect(stepsOf(await install(cwd)).filter((step) => !step.startsWith('migrate'))).toEqual([
        'schedule other: 0 0 * * * done',
        'record other: run by pg_cron done',
        'schedule report: 15 6 * * 1-5 done',
        'record report: run by pg_cron done',
      ])
      expect(stepsOf(await install(cwd))).toEqual([])
      const seen = await status(cwd)
      expect(seen).toMatchObject({scheduler: 'alive', pgCron: {database: 'postgres', here: true}, left: []})
      expect(seen.jobs.map(({job, state, ok, schedule}) => [job, state, ok, schedule])).toEqual([
        ['other', 'ok', true, '0 0 * * *'],
        ['report', 'ok', true, '15 6 * * 1-5'],
      ])
      expect(seen.foreign.map(({name}) => name).sort()).toEqual(foreign.map(({jobname}) => jobname).sort())

      const gone = await cli(['cron', 'uninstall', '--yes', '--json'], cwd)
      expectExit(gone, 0)
      expect(await scheduled()).toEqual(foreign)
      expect(
        await run(
          'select distinct runner from qicore.job j join qicore.job_schedule c on c.job = j.name and c.revision = j.revision',
        ),
      ).toEqual([{runner: 'daemon'}])
      expect(stepsOf(await cli(['cron', 'uninstall', '--yes', '--json'], cwd))).toEqual([])
    })

    it('restores entries that were changed, switched off or removed by hand, and removes those that are no longer declared', async () => {
      await clean()
      const three = ['a', 'b', 'c', 'd'].map(
        (name) => `  ${name}: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n`,
      )
      const cwd = jobsYaml(three.join(''))
      expectExit(await install(cwd), 0)
      await run("update cron.job set schedule = '0 7 * * *' where jobname like '%:a'")
      await run("update cron.job set active = false where jobname like '%:b'")
      await run("select cron.unschedule(jobid) from cron.job where jobname like '%:c'")
      const result = await cli(['cron', 'status', '--json'], cwd)
      expectExit(result, 3)
      expect(jsonOf<Status>(result).jobs.map(({job, state, ok}) => [job, state, ok])).toEqual([
        ['a', 'altered', false],
        ['b', 'inactive', false],
        ['c', 'missing', false],
        ['d', 'ok', true],
      ])
      expectExit(await cli(['cron', 'status', '--fail-on', 'never'], cwd), 0)
      expectExit(await install(cwd), 0)
      expect((await status(cwd)).jobs.map(({state}) => state)).toEqual(['ok', 'ok', 'ok', 'ok'])

      const fewer = jobsYaml(three.slice(0, 2).join('').replace('0 6', '30 6'))
      const left = await cli(['cron', 'status', '--json'], fewer)
      expectExit(left, 3)
      expect(jsonOf<Status>(left).jobs.map(({name, state}) => [name.split(':').at(-1), state])).toEqual([
        ['a', 'altered'],
        ['b', 'ok'],
        ['c', 'leftover'],
        ['d', 'leftover'],
      ])
      expectExit(await install(fewer), 0)
      expect((await scheduled()).map(({jobname, schedule}) => [jobname, schedule])).toEqual([
        ['qicore:postgres:a', '30 6 * * *'],
        ['qicore:postgres:b', '0 6 * * *'],
      ])
      expect(
        await run(
          "select j.name, c.state, c.runner from qicore.job j join qicore.job_schedule c on c.job = j.name and c.revision = j.revision where j.name in ('a', 'c') order by 1",
        ),
      ).toEqual([
        {name: 'a', state: 'active', runner: 'pg_cron'},
        {name: 'c', state: 'removed', runner: 'pg_cron'},
      ])
    })

    it('jobs why explains an entry of its own and one of another program, with the fix that ends the cause', async () => {
      await clean()
      const cwd = jobsYaml("  a: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n")
      expectExit(await install(cwd), 0)
      await run("select cron.schedule('backup', '0 3 * * *', 'select 1')")
      await run('update cron.job set active = false')
      const own = await cli(['jobs', 'why', 'a', '--json'], cwd)
      expectExit(own, 0)
      expect(jsonOf(own)).toMatchObject({
        kind: 'jobs.why',
        job: {name: 'a', runner: 'pg_cron', ok: false, cause: {code: 'pg_cron_inactive', fix: {kind: 'command'}}},
      })
      const foreign = jsonOf<{job: {cause: {code: string; fix: {kind: string; text: string}}}}>(
        await cli(['jobs', 'why', 'backup', '--json'], cwd),
      )
      expect(foreign.job).toMatchObject({runner: 'pg_cron', ok: false, cause: {code: 'inactive', fix: {kind: 'sql'}}})
      await run(foreign.job.cause.fix.text)
      expect(jsonOf(await cli(['jobs', 'why', 'backup', '--json'], cwd))).toMatchObject({job: {ok: true, cause: null}})
    })

    it('finishes what a killed run has started', async () => {
      await clean()
      const cwd = jobsYaml(
        "  a: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n  b: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n",
      )
      expectExit(await cli(['cron', 'install', '--yes', '--at-most', '1'], cwd), 0)
      expect((await status(cwd)).jobs.map(({name, state}) => [name, state])).toEqual([
        ['qicore:postgres:a', 'leftover'],
      ])
      expectExit(await install(cwd), 0)
      expect((await status(cwd)).jobs.map(({job, state}) => [job, state])).toEqual([
        ['a', 'ok'],
        ['b', 'ok'],
      ])
    })

    it('leaves a job that pg_cron cannot run as declared to the daemon and names it, and refuses it if pg_cron is required', async () => {
      await clean()
      const jobs =
        "  zoned: { kind: sql, schedule: '0 6 * * *', timezone: Europe/Berlin, statement: select 1 }\n  plain: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n  mine: { kind: sql, runner: daemon, schedule: '0 6 * * *', statement: select 1 }\n"
      const said = await cli(['cron', 'install', '--yes'], jobsYaml(jobs))
      expectExit(said, 0)
      expect(said.stderr.replace(/\s+/g, ' ')).toContain(
        'zoned stays with the daemon: its timezone is Europe/Berlin, but pg_cron uses GMT',
      )
      expect((await scheduled()).map(({jobname}) => jobname)).toEqual(['qicore:postgres:plain'])
      const refused = failureOf(
        await install(
          jobsYaml(
            `${jobs.replace('kind: sql,', 'kind: sql, runner: pg_cron,')}  sixth: { kind: sql, runner: pg_cron, schedule: '0 0 6 * * *', window: '05:00-07:00', statement: select 1 }\n`,
          ),
        ),
        2,
      )
      expect(refused.code).toBe('CRON_CANNOT')
      expect(refused.message).toMatch(
        /zoned: its timezone is Europe\/Berlin[\s\S]*sixth: "0 0 6 \* \* \*" has seconds.*pg_cron has no window|sixth:[\s\S]*zoned:/,
      )
      expect((await scheduled()).map(({jobname}) => jobname)).toEqual(['qicore:postgres:plain'])
    })

    it('leaves a retention that exports to the daemon, and refuses it if pg_cron is required: a routine writes no files', async () => {
      await clean()
      expectExit(await cli(['migrate', 'up', '--stream', 'core', '--yes'], jobsYaml('')), 0)
      await run('create table exported (time timestamptz not null) partition by range (time)')
      try {
        await run(
          `insert into qicore.policies (object, kind, config) values ('public.exported', 'retention', '{"drop": "90 days", "export": {"to": "/var/archive", "format": "csv"}, "maxDropPerRun": 8}')`,
        )
        const why = 'the retention of public.exported exports chunks to /var/archive before it drops them'
        const retain = (more: string) =>
          jobsYaml(`  kept: { kind: retain, tables: [public.exported], schedule: '0 6 * * *'${more} }\n`)
        const left = await cli(['cron', 'install', '--yes'], retain(''))
        expectExit(left, 0)
        expect(left.stderr.replace(/\s+/g, ' ')).toContain(`kept stays with the daemon: ${why}`)
        expect(await scheduled()).toEqual([])
        const refused = failureOf(await install(retain(', runner: pg_cron')), 2)
        expect(refused).toMatchObject({code: 'CRON_CANNOT', message: expect.stringContaining(why)})
        expect(await scheduled()).toEqual([])
        // The same job is scheduled when the policy no longer exports.
        await run(`update qicore.policies set config = '{"after": "90 days", "maxDropPerRun": 8}'`)
        expectExit(await install(retain(', runner: pg_cron')), 0)
        expect((await scheduled()).map(({jobname}) => jobname)).toEqual(['qicore:postgres:kept:public.exported'])
      } finally {
        await run('drop table exported')
      }
    })

    it('does not overwrite a job of another owner with the same name', async () => {
      await clean()
      const cwd = jobsYaml("  a: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n")
      await run("select cron.schedule('qicore:postgres:a', '0 1 * * *', 'vacuum')")
      expect(failureOf(await install(cwd), 2).code).toBe('NAME_TAKEN')
      expect((await scheduled()).map(({command}) => command)).toEqual(['vacuum'])
    })

    it('a daemon leaves work to an entry that was created by hand, unless the configuration gives it to the daemon', async () => {
      await clean()
      await run('drop table if exists public.marks')
      expectExit(await cli(['migrate', 'up', '--yes'], directoryWith({})), 0)
      expectExit(await cli(['policies', 'apply', '--yes'], directoryWith({})), 0)
      await run(
        "select cron.schedule('mine', '0 * * * *', $$select qicore.refresh_aggregate('public.hourly_price_averages', '2026-01-01', '2026-01-02')$$)",
      )
      const own = await connect(targetOf(server.url), {applicationName})
      try {
        const {plan} = await jobKind('refresh')
        const context = {
          job: 'refresh',
          now: '2026-01-01T00:00:00Z',
          limits: defaultLimits,
          sections: {tables: {}, aggregates: {}},
          partitions: () => [],
        }
        expect((await plan(own, {}, {...context, leaveToCron: true})).enforced).toEqual([
          {what: 'refresh of public.hourly_price_averages', by: 'pg_cron'},
        ])
        expect((await plan(own, {}, {...context, leaveToCron: false})).enforced).toEqual([])
      } finally {
        await own.close()
      }
      expectExit(await cli(['cron', 'install', '--yes'], directoryWith({})), 0)
      const all = await status(directoryWith({}))
      expect(all.jobs.map(({job, part, ok}) => [job, part, ok])).toEqual([
        ['maintain', null, true],
        ['partitions', null, true],
        ['prune-history', null, true],
        ['refresh', 'public.hourly_price_averages', true],
        ['refresh', 'public.daily_ohlcv_summary', true],
        ['retain', 'public.ohlcv_data', true],
        ['retain', 'public.level1_data', true],
      ])
      expect(all.foreign.map(({name}) => name)).toEqual(['mine'])
      const policies = jsonOf<{policies: {runner: string; runnerAlive: boolean | null}[]}>(
        await cli(['policies', 'status', '--json'], directoryWith({})),
      )
      expect([...new Set(policies.policies.map(({runner, runnerAlive}) => `${runner} ${runnerAlive}`))]).toEqual([
        'pg_cron true',
      ])
      for (const {command} of (await scheduled()).filter(({jobname}) => jobname.startsWith('qicore:')))
        await admin.autocommit(writing, statement(command))
      expect(
        await run(
          'select job, status, count(*)::int as n from qicore.maintenance_log where job is not null group by 1, 2 order by 1',
        ),
      ).toEqual(
        [
          ['maintain', 1],
          ['partitions', 1],
          ['prune-history', 1],
          ['refresh', 2],
          ['retain', 2],
        ].map(([job, n]) => ({job, status: 'done', n})),
      )
      await run(
        'drop table crypto_prices, ohlcv_data, market_analytics, level1_data, exchanges cascade; drop procedure maintain_hypertables; drop function create_monthly_partition(text, date), create_monthly_partition(regclass, date)',
      )
    })

    it('does nothing on a database in which nothing is declared', async () => {
      await clean()
      expect(failureOf(await install(directoryWith({})), 2).code).toBe('NOTHING_DECLARED')
    })

    describe('from another database, as a login of its own', () => {
      let url: string
      let login: string
      const cwd = () => jobsYaml("  a: { kind: sql, schedule: '0 6 * * *', statement: select 1 }\n")
      beforeAll(async () => {
        await run('create role operator login')
        await admin.autocommit(writing, statement('create database market owner operator'))
        url = urlOfDatabase(server.url, 'market')
        login = url.replace('postgres@', 'operator@')
      })

      it('names each missing grant, and reads nothing that needs one', async () => {
        const error = failureOf(await install(cwd(), login), 1)
        expect(error).toMatchObject({
          code: 'NO_PRIVILEGE',
          message: expect.stringContaining('no usage on schema cron, no execute on cron.schedule_in_database'),
        })
        expect(error.suggestions[0]).toContain(
          'in postgres: grant usage on schema cron to "operator"; grant execute on function cron.schedule_in_database(text, text, text, text, text, boolean) to "operator"',
        )
        const blind = jsonOf<Status>(
          await cli(
            ['cron', 'status', '--json'],
            jobsYaml("  a: { kind: sql, runner: pg_cron, schedule: '0 6 * * *', statement: select 1 }\n"),
            login,
          ),
        )
        expect(blind).toMatchObject({scheduler: 'alive', jobs: [{job: 'a', state: 'unknown', ok: null}]})
        expectExit(
          await cli(
            ['cron', 'status', '--fail-on', 'unknown'],
            jobsYaml("  a: { kind: sql, runner: pg_cron, schedule: '0 6 * * *', statement: select 1 }\n"),
            login,
          ),
          3,
        )
      })

      it('schedules through the database of pg_cron with the same guarantees, and sees no entries of others', async () => {
        await run(
          'grant usage on schema cron to operator; grant execute on function cron.schedule_in_database(text, text, text, text, text, boolean) to operator',
        )
        await run("select cron.schedule_in_database('somebody', '0 1 * * *', 'select 1', 'market')")
        const dry = await cli(['cron', 'install', '--dry-run'], cwd(), login)
        expect(dry.stdout).toMatch(
          /\\connect "postgres"\n\n-- schedule a: [\s\S]*cron\.schedule_in_database\('qicore:market:a', '0 6 \* \* \*', .*'market', null\)[\s\S]*\\connect "market"\n\n-- record a/,
        )
        expectExit(await install(cwd(), login), 0)
        expect(stepsOf(await install(cwd(), login))).toEqual([])
        expect(
          (await scheduled())
            .filter(({database}) => database === 'market')
            .map(({jobname, username}) => [jobname, username]),
        ).toEqual([
          ['qicore:market:a', 'operator'],
          ['somebody', 'postgres'],
        ])
        expect(await status(cwd(), login)).toMatchObject({
          pgCron: {database: 'postgres', here: false},
          jobs: [{job: 'a', state: 'ok'}],
          foreign: [],
        })
        // A superuser finds the entry unchanged, and keeps it as the operator's.
        expect(stepsOf(await install(cwd(), url))).toEqual([])
        expectExit(await cli(['cron', 'uninstall', '--yes'], cwd(), login), 0)
        expect((await scheduled()).filter(({database}) => database === 'market').map(({jobname}) => jobname)).toEqual([
          'somebody',
        ])
      })

      it('names the database of pg_cron if it cannot be reached', async () => {
        await run('revoke connect on database postgres from public')
        try {
          expect(failureOf(await install(cwd(), login), 4)).toMatchObject({
            code: 'CRON_ELSEWHERE',
            message: expect.stringContaining('pg_cron is installed in the database "postgres"'),
          })
          const seen = jsonOf<Status>(await cli(['cron', 'status', '--json'], cwd(), login))
          expect(seen).toMatchObject({scheduler: 'alive', pgCron: null})
        } finally {
          await run('grant connect on database postgres to public')
        }
      })
    })

    it('runs jobs on time: the audit counts them, the daemon leaves them, a stopped pg_cron is reported, and only configuration takes jobs back', async () => {
      await clean()
      const jobs = {
        good: {
          kind: 'sql',
          schedule: '* * * * *',
          statement:
            'create table if not exists public.marks (job text); insert into marks select current_setting($$qicore.job$$)',
        },
        bad: {kind: 'sql', schedule: '* * * * *', statement: 'select 1/0'},
      }
      const cwd = jobsYaml(
        Object.entries(jobs)
          .map(([name, entry]) => `  ${name}: ${JSON.stringify(entry)}\n`)
          .join(''),
      )
      expectExit(await install(cwd), 0)
      const daemon = startDaemon(server.url, jobs, ['--listen', '127.0.0.1:0', '--poll', '5s'])
      const ready = async () => {
        const answer = await fetch(`http://${String((await daemon.event('listening')).address)}/readyz`)
        return {status: answer.status, ...((await answer.json()) as {problems: string[]})}
      }
      await daemon.event('ready')
      expect(await ready()).toMatchObject({status: 200, problems: []})
      const ended = async () =>
        (
          await run<{n: number}>(
            "select count(distinct job)::int as n from qicore.maintenance_log where application = 'pg_cron' and completed_at is not null",
          )
        )[0]!.n
      for (let second = 0; (await ended()) < 2 && second < 75; second += 1) await sleep(1_000)
      for (const job of ['good', 'bad']) await daemon.event('instants_skipped', (line) => line.job === job)
      expect(
        await run('select distinct status, reason from qicore.maintenance_log where claimed_by is not null'),
      ).toEqual([{status: 'skipped', reason: 'enforced by pg_cron'}])
      expect(await run('select distinct job from public.marks')).toEqual([{job: 'good'}])
      const seen = jsonOf<Status>(await cli(['cron', 'status', '--json'], cwd))
      expect(
        seen.jobs.map(({job, lastStatus, cronStatus, message, ok}) => ({job, lastStatus, cronStatus, message, ok})),
      ).toEqual([
        {
          job: 'bad',
          lastStatus: 'failed',
          cronStatus: 'failed',
          message: expect.stringContaining('division by zero'),
          ok: false,
        },
        {job: 'good', lastStatus: 'done', cronStatus: 'succeeded', message: null, ok: true},
      ])
      const audit = jsonOf<{
        jobs: {job: string; gaps: string[]; duplicates: string[]; byStatus: Record<string, number>}[]
      }>(await cli(['jobs', 'history', '--audit', '--json'], cwd))
      expect(
        audit.jobs.map(({job, gaps, duplicates, byStatus}) => ({
          job,
          gaps,
          duplicates,
          ran: Object.keys(byStatus).filter((key) => key.endsWith('by pg_cron') && !key.startsWith('skipped')),
        })),
      ).toEqual([
        {job: 'bad', gaps: [], duplicates: [], ran: ['failed by pg_cron']},
        {job: 'good', gaps: [], duplicates: [], ran: ['done by pg_cron']},
      ])

      await admin.close()
      await server.preload('')
      admin = await connect(targetOf(server.url), {applicationName})
      await daemon.event('runner_unavailable', ({message}) =>
        String(message).includes("pg_cron's scheduler is not running"),
      )
      expect(await ready()).toMatchObject({
        status: 503,
        problems: [
          expect.stringContaining("pg_cron's scheduler is not running, but pg_cron is the runner of bad, good"),
        ],
      })
      const dead = await cli(['cron', 'status', '--json'], cwd)
      expectExit(dead, 3)
      expect(jsonOf<Status>(dead)).toMatchObject({
        scheduler: 'dead',
        jobs: [{ok: false, findings: expect.arrayContaining(["pg_cron's scheduler is not running"])}, {ok: false}],
      })
      expect(failureOf(await install(cwd), 2).code).toBe('NOT_PRELOADED')
      daemon.child.kill('SIGTERM')
      expect(await daemon.ended).toBe(0)
      expect(daemon.lines.filter(({event}) => event === 'occurrence_started')).toEqual([])

      // Every second: the next minute would be waited for in vain.
      const explicit = startDaemon(server.url, {
        ...jobs,
        good: {...jobs.good, schedule: '* * * * * *', runner: 'daemon'},
      })
      expect(await explicit.event('occurrence_ended', ({job}) => job === 'good')).toMatchObject({status: 'done'})
      explicit.child.kill('SIGTERM')
      await explicit.ended
      expect(explicit.lines.filter(({event, job}) => event === 'occurrence_started' && job === 'bad')).toEqual([])
    }, 200_000)
  })

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('with TimescaleDB: work of its running workers is left to them, and is scheduled when they no longer do it', async (context) => {
    const database = await engine.database()
    if (!database.db.server.pgCronAlive) {
      process.stderr.write(`skipped: ${context.task.file.name}: ${engine.name} has no pg_cron\n`)
      return context.skip('this server has no pg_cron')
    }
    const [home] = await database.run<{datname: string}>(
      "select datname from pg_stat_activity where application_name = 'pg_cron scheduler'",
    )
    const there = await connect(targetOf(urlOfDatabase(database.url, home!.datname)), {applicationName})
    await there.autocommit(writing, statement('create extension if not exists pg_cron')).finally(() => there.close())
    const {url, autocommit, run, db} = database
    expectExit(await runCli(['migrate', 'up', '--url', url, '--yes'], {timeout: 120_000}), 0)
    expectExit(await runCli(['policies', 'apply', '--url', url, '--yes'], {timeout: 120_000}), 0)
    const install = (...flags: string[]) => runCli(['cron', 'install', '--url', url, ...flags], {timeout: 120_000})
    const first = await install('--dry-run')
    expectExit(first, 0)
    expect(first.stdout).toContain("'call public.maintain_hypertables()'")
    expect(first.stderr.replace(/\s+/g, ' ')).toContain(
      'refresh has nothing to do in pg_cron: refresh of public.hourly_price_averages is done by timescaledb',
    )
    expect(first.stdout).not.toContain('qicore.refresh')
    await run('select _timescaledb_functions.stop_background_workers()')
    await db.probe()
    try {
      expectExit(await install('--yes'), 0)
      const [refresh] = await run<{command: string}>(
        "select c.commands ->> 'public.hourly_price_averages' as command from qicore.job_schedule c where c.job = 'refresh'",
      )
      expect(refresh!.command).toBe(
        "call qicore.refresh('public.hourly_price_averages', 'refresh', '3 hours', '1 hour')",
      )
      await autocommit(refresh!.command)
      // A statement that cannot catch its own error leaves its run open; the next one ends it.
      await expect(
        autocommit(refresh!.command.replace("'3 hours', '1 hour'", "'10 minutes', '5 minutes'")),
      ).rejects.toThrow(/window/)
      await autocommit(refresh!.command)
      await autocommit('call public.maintain_hypertables()')
      expect(
        await run("select job, status from qicore.maintenance_log where job in ('refresh', 'maintain') order by id"),
      ).toEqual(
        [
          ['refresh', 'done'],
          ['refresh', 'failed'],
          ['refresh', 'done'],
          ['maintain', 'done'],
        ].map(([job, status]) => ({job, status})),
      )
      const policies = jsonOf<{policies: {table: string; kind: string; runner: string; runnerAlive: boolean | null}[]}>(
        await runCli(['policies', 'status', '--json', '--url', url]),
      )
      expect(
        policies.policies.filter(({kind}) => kind === 'refresh').map(({runner, runnerAlive}) => [runner, runnerAlive]),
      ).toEqual([
        ['pg_cron', true],
        ['pg_cron', true],
      ])
    } finally {
      expectExit(await runCli(['cron', 'uninstall', '--url', url, '--yes']), 0)
    }
  }, 300_000)
})
