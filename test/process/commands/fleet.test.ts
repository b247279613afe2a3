import {once} from 'node:events'
import {createServer, type AddressInfo} from 'node:net'
import {describe, expect, it} from 'vitest'
import type {FleetReport, TargetEntry} from '../../../src/cli/fleet/report.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {ourCommands} from '../../helpers/manifest.js'

it('every report and check about a whole database, the plan of policies, and the daemon have --targets', async () => {
  const {commands} = await ourCommands()
  const found = commands.filter(({flags}) => 'targets' in flags && !('canary' in flags)).map(({id}) => id)
  expect(new Set(found)).toEqual(
    new Set([
      'aggregates:list',
      'cron:status',
      'daemon',
      'doctor',
      'jobs:list',
      'migrate:status',
      'partitions:detached',
      'partitions:list',
      'policies:plan',
      'policies:status',
      'schema:verify',
      'stats',
      'stats:chunks',
      'stats:compression',
      'stats:growth',
      'stats:queries',
      ...found.filter((id) => id === 'chunks:list'),
    ]),
  )
})

interface Runs {
  runs: {at: string; begins: string}[]
}

const password = 'hunter2secret'
const closedPort = 1

/** A directory with a configuration of two databases, one that does not exist, and a port where no server listens. */
async function fleetOf(engine: {
  urlFor(fill: (database: {run(text: string): Promise<unknown>}) => Promise<unknown>): Promise<string>
}) {
  const one = await engine.urlFor(async ({run}) => {
    await run('create table sales (time timestamptz not null, v int) partition by range (time)')
    await run(`create table sales_2024_01 partition of sales for values from ('2024-01-01') to ('2024-02-01')`)
    await run(`insert into sales values ('2024-01-05', 1)`)
  })
  const two = await engine.urlFor(async ({run}) => {
    await run('create table quotes (time timestamptz not null, v int) partition by range (time)')
  })
  const missing = new URL(one)
  missing.pathname = '/qicore_db_no_such_database'
  const cwd = directoryWith({
    'qicore-db.config.yaml': `version: 1
targets:
  one: {url: "\${QICORE_TEST_ONE}", labels: {region: eu}}
  two:
    url: "\${QICORE_TEST_TWO}"
    tables: {public.quotes: {partitions: {every: month, ahead: 2}}}
  missing: {url: "\${QICORE_TEST_MISSING}"}
  closed: {url: "\${QICORE_TEST_CLOSED}"}
groups:
  good: {targets: [one, two]}
`,
  })
  const env = {
    QICORE_TEST_ONE: one,
    QICORE_TEST_TWO: two,
    QICORE_TEST_MISSING: String(missing),
    QICORE_TEST_CLOSED: `postgres://ops:${password}@127.0.0.1:${closedPort}/x`,
  }
  return (args: string, more: readonly string[] = []) => runCli([...args.split(' '), ...more], {cwd, env})
}

const outcome = ({target, exitCode, error}: TargetEntry) => [target, exitCode, error?.code ?? null]
/** Without what differs between two runs of the same command. */
const timeless = (document: unknown) => JSON.stringify(document).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  let fleet: ReturnType<typeof fleetOf> | null = null
  const qicore = async (args: string, more: readonly string[] = []) => (await (fleet ??= fleetOf(engine)))(args, more)

  describe('many targets', () => {
    it('are one document with a report or an error for each, in the order of the configuration', async () => {
      const run = await qicore('stats --all-targets --json')
      expectExit(run, 6)
      const report = jsonOf<FleetReport>(run)
      const {kind, version, target, of, summary} = report
      expect({kind, version, target, of, summary}).toEqual({
        kind: 'fleet',
        version: 1,
        target: null,
        of: 'stats',
        summary: {targets: 4, ok: 2, found: 0, failed: 2},
      })
      expect(report.targets.map(outcome)).toEqual([
        ['one', 0, null],
        ['two', 0, null],
        ['missing', 4, 'CONNECT'],
        ['closed', 4, 'CONNECT'],
      ])
      expect(report.targets[0]!.labels).toEqual({region: 'eu'})
      expect(report.at).toBe(
        report.targets
          .map(({report: each}) => (each as {at?: string})?.at ?? '')
          .sort()
          .at(-1),
      )
      expect(run.stdout + run.stderr).not.toContain(password)
    })

    it.each([
      'stats',
      'stats chunks --sort chunk --limit 1',
      'partitions list --check',
      'migrate status',
      'jobs list',
      'doctor --only settings,partitions',
    ])('%s: the document of each target is that of the command on this target alone', async (command) => {
      const many = jsonOf<FleetReport>(await qicore(`${command} --targets good --json`))
      for (const {target, report, exitCode} of many.targets) {
        const alone = await qicore(`${command} --target ${target} --json`)
        expectExit(alone, exitCode)
        expect(timeless(report)).toBe(timeless(jsonOf(alone)))
      }
    })

    it('exit 3 if a check found something in one of them, with the settings of each target', async () => {
      const run = await qicore('partitions list --check --targets good --json')
      expectExit(run, 3)
      // Only the target two declares partitions.
      expect(jsonOf<FleetReport>(run).targets.map(outcome)).toEqual([
        ['one', 0, null],
        ['two', 3, null],
      ])
    })

    it('exit 4 if none can be reached, 0 if that is not a failure, and 2 for a name that does not exist', async () => {
      expectExit(await qicore('stats --targets closed,missing --json'), 4)
      expectExit(await qicore('stats --targets closed --fail-on-unreachable never --json'), 0)
      expectExit(await qicore('stats --targets good,closed --fail-on-unreachable never --json'), 0)
      const wrong = await qicore('stats --targets one,nowhere --json')
      expectExit(wrong, 2)
      expect(jsonOf<{error: {code: string}}>(wrong).error.code).toBe('NO_SUCH_TARGET')
    })

    it('are one JSON line each with --jsonl', async () => {
      const run = await qicore('stats --all-targets --jsonl')
      expectExit(run, 6)
      const lines = run.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as TargetEntry & {kind: string})
      expect(new Set(lines.map(({kind}) => kind))).toEqual(new Set(['fleet.target']))
      expect(lines.map(({target}) => target).sort()).toEqual(['closed', 'missing', 'one', 'two'])
      const wrong = await qicore('stats --targets nowhere --jsonl')
      expectExit(wrong, 2)
      expect(JSON.parse(wrong.stdout.trimEnd().split('\n').join(''))).toMatchObject({error: {code: 'NO_SUCH_TARGET'}})
      expect(wrong.stdout.trimEnd()).not.toContain('\n')
    })

    it('have the target in the first column of CSV and Markdown; targets without a report are on stderr', async () => {
      const csv = await qicore('stats --all-targets --csv')
      const [header, ...rows] = csv.stdout.trimEnd().split('\n')
      expect(header).toMatch(/^target,schema,table,/)
      expect(rows.map((row) => row.split(',').slice(0, 3))).toEqual([
        ['one', 'public', 'sales'],
        ['two', 'public', 'quotes'],
      ])
      expect(csv.stderr).toMatch(/closed: Cannot connect.*\n/)
      const markdown = await qicore('stats --targets good --format markdown --sort=-table')
      expect(markdown.stdout).toMatch(/\| TARGET \| TABLE [\s\S]*\| one \| sales [\s\S]*\| two \| quotes /)
    })

    it('are one line each for people, the worst first, and no heading of a single database', async () => {
      const run = await qicore('stats --all-targets')
      expectExit(run, 6)
      const names = run.stdout.split('\n').flatMap((line) => /^[ !](one|two|missing|closed) /.exec(line)?.[1] ?? [])
      expect(names).toEqual(['missing', 'closed', 'one', 'two'])
      expect(run.stdout).toContain('4 targets: 2 ok, 2 failed.')
      expect(run.stderr).toBe('')
      const tables = await qicore('stats --targets good --tables')
      expect(tables.stdout).toMatch(/TARGET +TABLE[\s\S]* one +sales[\s\S]* two +quotes/)
    })

    it('name the target in the commands that a report prints', async () => {
      const run = await qicore('doctor --only partitions --targets two --json')
      expect(run.stdout).toMatch(/qicore-db [a-z ]+.*--target two/)
      expect(run.stdout).not.toContain('--targets two')
    })

    it.each([
      ['stats --targets one --target two', '--target'],
      ['stats --targets one --url postgres://localhost/x', '--url'],
      ['stats --targets one --all-targets', '--all-targets'],
      ['stats --parallel 2 --target one', '--parallel'],
      ['stats --tables --target one', '--tables'],
      ['stats --jsonl --csv --all-targets', '--csv'],
      ['stats --watch --all-targets', '--watch'],
      ['stats --wait 1s --all-targets', '--wait'],
    ])('%s is a wrong usage', async (command, named) => {
      const run = await qicore(command)
      expectExit(run, 2)
      expect(run.stdout + run.stderr).toContain(named)
    })

    it('that take longer than --target-timeout are a failure, and the others are read', async () => {
      // It accepts connections and never answers.
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const {port} = silent.address() as AddressInfo
      const good = await engine.urlFor(async () => {})
      const cwd = directoryWith({
        'qicore-db.config.yaml': `version: 1
targets:
  silent: {url: "postgres://ops@127.0.0.1:${port}/x"}
  good: {url: "\${QICORE_TEST_GOOD}"}
`,
      })
      try {
        const args = ['stats', '--all-targets', '--target-timeout', '500ms', '--parallel', '1', '--json']
        const run = await runCli(args, {cwd, env: {QICORE_TEST_GOOD: good}, process: true})
        expectExit(run, 6)
        expect(jsonOf<FleetReport>(run).targets.map(outcome)).toEqual([
          ['silent', 4, 'TARGET_TIMEOUT'],
          ['good', 0, null],
        ])
      } finally {
        silent.close()
      }
    })
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a job with a jitter begins at another time on each target, as every command shows', async () => {
    const names = ['one', 'two', 'three']
    const urls = await Promise.all(names.map(() => engine.urlFor(async () => {})))
    const env = Object.fromEntries(names.map((name, n) => [`QICORE_TEST_${name.toUpperCase()}`, urls[n]!]))
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1
targets:
${names.map((name) => `  ${name}: {url: "\${QICORE_TEST_${name.toUpperCase()}}"}\n`).join('')}
jobs: {nightly: {kind: sql, schedule: "0 2 * * *", jitter: 6 hours, statement: select 1}}
`,
    })
    const qicore = async <T>(args: string) => jsonOf<T>(await runCli([...args.split(' '), '--json'], {cwd, env}))
    const list = await qicore<FleetReport>('jobs list --all-targets')
    const begins: string[] = []
    for (const [index, name] of names.entries()) {
      const {jobs} = list.targets[index]!.report as {jobs: {name: string; next: string; begins: string}[]}
      const job = jobs.find((each) => each.name === 'nightly')!
      begins.push(job.begins)
      const next = await qicore<Runs>(`jobs next nightly --target ${name} --limit 1`)
      expect(next.runs).toEqual([expect.objectContaining({at: job.next, begins: job.begins})])
      const from = new Date(Date.parse(job.next) - 1_000).toISOString()
      const simulated = await qicore<Runs>(`jobs simulate nightly --target ${name} --from ${from} --limit 1`)
      expect(simulated.runs).toEqual([expect.objectContaining({at: job.next, begins: job.begins})])
    }
    expect(new Set(begins).size).toBe(names.length)
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it.each(['policies status', 'doctor'])(
    '%s says once for a server what its databases need of the background workers together',
    async (command) => {
      const jobs = 3
      const fill = async ({run}: {run(text: string): Promise<unknown>}) => {
        await run("create procedure nothing(job_id int, config jsonb) language sql as 'select 1'")
        for (let n = 0; n < jobs; n += 1)
          await run(
            "select add_job('public.nothing', interval '1 day', initial_start => timestamptz '2100-01-01 00:00+00')",
          )
      }
      const [one, two] = [await engine.urlFor(fill), await engine.urlFor(fill)]
      const cwd = directoryWith({
        'qicore-db.config.yaml': `version: 1
targets:
  one: {url: "\${QICORE_TEST_ONE}"}
  two: {url: "\${QICORE_TEST_TWO}"}
  closed: {url: "postgres://ops@127.0.0.1:${closedPort}/x"}
`,
      })
      const qicore = (...more: string[]) =>
        runCli([...command.split(' '), '--all-targets', ...more], {
          cwd,
          env: {QICORE_TEST_ONE: one, QICORE_TEST_TWO: two},
        })
      const {servers} = jsonOf<FleetReport>(await qicore('--json'))
      const {hostname, port} = new URL(one)
      expect(servers).toEqual([expect.objectContaining({server: `${hostname}:${port}`, targets: ['one', 'two']})])
      const {jobs: together, schedulers, needed, maxBackgroundWorkers, enough} = servers![0]!
      // The jobs of both databases start in the same minute.
      expect(together).toBeGreaterThanOrEqual(2 * jobs)
      expect(needed).toBe(1 + schedulers + together)
      expect(enough).toBe(needed <= maxBackgroundWorkers)
      const screen = await qicore()
      expect(screen.stdout.match(/background workers for/g)).toHaveLength(1)
      const lines = (await qicore('--jsonl')).stdout.trim().split('\n')
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({kind: 'fleet.server', targets: ['one', 'two']})
      expect(lines).toHaveLength(4)
    },
  )
})
