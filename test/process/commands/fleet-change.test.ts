import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {FleetReport, NotStarted, TargetEntry} from '../../../src/cli/fleet/report.js'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {ourCommands} from '../../helpers/manifest.js'
import {targetOf, writing} from '../../helpers/server.js'

type Change = FleetReport<TargetEntry | NotStarted>

const outcome = (entry: TargetEntry | NotStarted) =>
  entry.exitCode === null
    ? [entry.target, entry.notStarted]
    : [entry.target, entry.exitCode, entry.error?.code ?? stepsOf(entry).length]
const stepsOf = ({report}: TargetEntry) => (report as {steps: {id: string; status: string; sql?: string}[]}).steps
const closed = 'postgres://ops@127.0.0.1:1/x'

it('only changes that need no confirmation can be made on many targets', async () => {
  const {commands} = await ourCommands()
  const found = commands.filter(({flags}) => 'canary' in flags).map(({id}) => id)
  expect(new Set(found.filter((id) => id !== 'schema:create'))).toEqual(
    new Set(['jobs:run', 'migrate:up', 'partitions:ensure']),
  )
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  /** A directory with a configuration of `count` databases t1, t2, … with an empty declared set each, and one closed port. */
  async function fleetOf(count: number, settings = '', order?: string[]) {
    const names = Array.from({length: count}, (_, n) => `t${n + 1}`)
    const urls = await Promise.all(
      names.map(() =>
        engine.urlFor(({run}) => run('create table sales (time timestamptz not null) partition by range (time)')),
      ),
    )
    const env: Record<string, string> = {QICORE_TEST_CLOSED: closed}
    for (const [n, name] of names.entries()) env[`QICORE_TEST_${name.toUpperCase()}`] = urls[n]!
    const targets = (order ?? names).map((name) => `  ${name}: {url: "\${QICORE_TEST_${name.toUpperCase()}}"}\n`)
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1
targets:
${targets.join('')}tables: {public.sales: {partitions: {every: month, ahead: 1}}}
${settings}`,
    })
    return {
      qicore: (args: string, more: readonly string[] = []) => runCli([...args.split(' '), ...more], {cwd, env}),
      env,
      cwd,
    }
  }

  describe('partitions ensure on many targets', () => {
    it('the dry run changes nothing, the run does what it said, and planning again is empty', async () => {
      const {qicore} = await fleetOf(3)
      const dry = jsonOf<Change>(await qicore('partitions ensure --all-targets --dry-run --json'))
      expect(dry).toMatchObject({kind: 'fleet', of: 'partitions.ensure', summary: {targets: 3, ok: 3, notStarted: 0}})
      const planned = dry.targets.map((each) => stepsOf(each as TargetEntry).map(({id}) => id))
      expect(planned.every((steps) => steps.length >= 2)).toBe(true)
      const again = jsonOf<Change>(await qicore('partitions ensure --all-targets --dry-run --json'))
      expect(again.targets.map((each) => stepsOf(each as TargetEntry).map(({id}) => id))).toEqual(planned)

      const run = await qicore('partitions ensure --all-targets --json')
      expectExit(run, 0)
      const done = jsonOf<Change>(run).targets.map((each) => stepsOf(each as TargetEntry))
      expect(done.map((steps) => steps.map(({id}) => id))).toEqual(planned)
      expect(new Set(done.flat().map(({status}) => status))).toEqual(new Set(['done']))

      const after = jsonOf<Change>(await qicore('partitions ensure --all-targets --json'))
      expect(after.targets.map(outcome)).toEqual([
        ['t1', 0, 0],
        ['t2', 0, 0],
        ['t3', 0, 0],
      ])
      const screen = await qicore('partitions ensure --all-targets')
      expect(screen.stdout.match(/nothing to do/g)).toHaveLength(3)
    })

    it('the document of a target is that of the command on this target alone', async () => {
      const {qicore} = await fleetOf(2)
      const many = jsonOf<Change>(await qicore('partitions ensure --all-targets --dry-run --json'))
      const alone = jsonOf(await qicore('partitions ensure --target t2 --dry-run --json'))
      const timeless = (document: unknown) => JSON.stringify(document).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      expect(timeless((many.targets[1] as TargetEntry).report)).toBe(timeless(alone))
    })

    it('a canary that fails is the only target that is started', async () => {
      const {qicore} = await fleetOf(2, '', ['t1', 'closed', 't2'])
      const run = await qicore('partitions ensure --all-targets --canary closed --stop-after 3 --json')
      expectExit(run, 4)
      expect(jsonOf<Change>(run).targets.map(outcome)).toEqual([
        ['t1', 'canary'],
        ['closed', 4, 'CONNECT'],
        ['t2', 'canary'],
      ])
      expect(jsonOf<Change>(run).summary).toEqual({targets: 3, ok: 0, found: 0, failed: 1, notStarted: 2})
    })

    it('no target begins after --stop-after failures, and the next run does the rest', async () => {
      const {qicore} = await fleetOf(2, '', ['t1', 'closed', 't2'])
      const run = await qicore('partitions ensure --all-targets --parallel 1 --json')
      expectExit(run, 6)
      expect(jsonOf<Change>(run).targets.map((each) => outcome(each)[1])).toEqual([0, 4, 'failures'])
      // The closed target fails again, but is not the first one that has something to do.
      const next = await qicore('partitions ensure --targets t1,t2,closed --stop-after 2 --json')
      expectExit(next, 6)
      const [one, , two] = jsonOf<Change>(next).targets as TargetEntry[]
      expect(stepsOf(one!)).toEqual([])
      expect(outcome(two!)).toEqual(['t2', 'canary'])
      const without = await qicore('partitions ensure --targets t1,t2 --json')
      expectExit(without, 0)
      expect(stepsOf(jsonOf<Change>(without).targets[1] as TargetEntry).length).toBeGreaterThan(0)
    })

    it('killed in the middle, the next run finishes', async () => {
      const {cwd, env, qicore} = await fleetOf(3)
      const [one, two] = await Promise.all(
        [env.QICORE_TEST_T1!, env.QICORE_TEST_T2!].map((url) =>
          connect(targetOf(url), {applicationName: 'qicore-db/test'}),
        ),
      )
      try {
        const partitions = () =>
          one!.query(statement(`select from pg_inherits where inhparent = 'public.sales'::regclass`))
        await two!.transaction(writing, async (tx) => {
          await tx.query(statement('lock table sales in access exclusive mode'))
          const child = spawn(process.execPath, [join(root, 'bin/run.js'), 'partitions', 'ensure', '--all-targets'], {
            cwd,
            env: {...process.env, ...env},
          })
          const ended = once(child, 'close')
          await expect.poll(async () => (await partitions()).length, {timeout: 30_000}).toBeGreaterThan(1)
          child.kill('SIGKILL')
          await ended
        })
      } finally {
        await Promise.all([one!.close(), two!.close()])
      }
      const next = await qicore('partitions ensure --all-targets --json')
      expectExit(next, 0)
      expect(outcome(jsonOf<Change>(next).targets[0]!)).toEqual(['t1', 0, 0])
      const after = jsonOf<Change>(await qicore('partitions ensure --all-targets --dry-run --json'))
      expect(after.targets.map((each) => outcome(each)[2])).toEqual([0, 0, 0])
    })

    it('prints a JSON line for each target, also for those that were not started', async () => {
      const {qicore} = await fleetOf(1, '', ['closed', 't1'])
      const run = await qicore('partitions ensure --all-targets --jsonl')
      expectExit(run, 4)
      const lines = run.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as TargetEntry & {kind: string; of: string})
      expect(lines.map(({kind, of, target, exitCode}) => [kind, of, target, exitCode])).toEqual([
        ['fleet.target', 'partitions.ensure', 'closed', 4],
        ['fleet.target', 'partitions.ensure', 't1', null],
      ])
    })

    it('--sql prints a script for psql that connects to each database', async () => {
      const {qicore, env} = await fleetOf(2)
      const {stdout} = await qicore('partitions ensure --all-targets --dry-run --sql')
      const connects = [...stdout.matchAll(/^\\connect '(.*)'$/gm)].map(([, url]) => new URL(url!).pathname)
      expect(connects).toEqual([env.QICORE_TEST_T1, env.QICORE_TEST_T2].map((url) => new URL(url!).pathname))
    })
  })

  describe('migrate up on many targets', () => {
    it('installs the schema qicore, and refuses a target with other migrations', async () => {
      const {qicore} = await fleetOf(2)
      const refused = await qicore('migrate up --all-targets --engine postgres --json')
      expectExit(refused, 7)
      expect(jsonOf<Change>(refused).targets.map(outcome)).toEqual([
        ['t1', 7, 'NOT_ONLY_CORE'],
        ['t2', 'canary'],
      ])
      const run = await qicore('migrate up --stream core --engine postgres --all-targets --json')
      expectExit(run, 0)
      const again = jsonOf<Change>(await qicore('migrate up --stream core --engine postgres --all-targets --json'))
      expect(again.targets.map(outcome)).toEqual([
        ['t1', 0, 0],
        ['t2', 0, 0],
      ])
    })
  })

  describe('jobs run on many targets', () => {
    it('runs a job that loses nothing, with the settings of each target', async () => {
      const {qicore} = await fleetOf(2, 'jobs: {count: {kind: sql, schedule: "0 2 * * *", statement: "select 1"}}\n')
      const run = await qicore('jobs run count --all-targets --json')
      expectExit(run, 0)
      const reports = jsonOf<Change>(run).targets.map((each) => (each as TargetEntry).report as {status: string})
      expect(reports.map(({status}) => status)).toEqual(['done', 'done'])
      const unknown = await qicore('jobs run nothing --all-targets --json')
      expectExit(unknown, 2)
      expect(jsonOf<Change>(unknown).targets.map((each) => outcome(each)[2] ?? outcome(each)[1])).toEqual([
        'NO_SUCH_JOB',
        'canary',
      ])
    })
  })

  it('confirmations, unknown canaries and flags of many targets alone are refused', async () => {
    const {qicore} = await fleetOf(1)
    for (const args of [
      'partitions ensure --all-targets --yes',
      'partitions ensure --all-targets --confirm t1',
      'partitions ensure --all-targets --canary t2',
      'partitions ensure --canary t1 --target t1',
      'partitions ensure --stop-after 2 --target t1',
    ])
      expectExit(await qicore(`${args} --json`), 2)
  })

  it.each(['chunks drop sales --older-than 2y', 'policies apply', 'partitions drop sales --older-than 2y'])(
    '%s has no --targets, and the error names the command for one target',
    async (args) => {
      const {qicore} = await fleetOf(2)
      const run = await qicore(`${args} --targets t2 --json`)
      expectExit(run, 2)
      const {error} = jsonOf<{error: {code: string; suggestions: string[]}}>(run)
      expect(error.code).toBe('ONE_TARGET')
      const words = error.suggestions[0]!.replace('Select it: qicore-db ', '')
      expect(words).toMatch(new RegExp(`^${args} .*--target t2$`))
      // The command accepts it: it fails later, or asks for the confirmation.
      const alone = jsonOf<{error?: {code: string}}>(await qicore(words))
      expect(alone.error?.code).not.toBe('USAGE')
      const all = jsonOf<{error: {suggestions: string[]}}>(await qicore(`${args} --all-targets --json`))
      expect(all.error.suggestions[0]).toContain('--target t1')
    },
  )
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('policies plan saves a plan for each target, and each is applied only where it was made', async () => {
    const fill = ({run}: {run(text: string): Promise<unknown>}) =>
      run(`create table metrics (time timestamptz not null, v int);
        select create_hypertable('metrics', 'time');
        insert into metrics values ('2024-01-01', 1)`)
    const [one, two] = [await engine.urlFor(fill), await engine.urlFor(fill)]
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1
targets:
  one: {url: "\${QICORE_TEST_ONE}"}
  two: {url: "\${QICORE_TEST_TWO}"}
  closed: {url: "${closed}"}
tables: {public.metrics: {compression: {after: 7d}}}
`,
    })
    const env = {QICORE_TEST_ONE: one, QICORE_TEST_TWO: two}
    // A process of its own for each: the one that runCli shares keeps an embedded engine open.
    const qicore = (args: string) => runCli(args.split(' '), {cwd, env, process: true})

    const planned = await qicore('policies plan --all-targets --out-dir plans/today --json')
    expectExit(planned, 6)
    const files = jsonOf<FleetReport>(planned).targets.map(({report}) => (report as {file?: string} | undefined)?.file)
    expect(files).toEqual(['plans/today/one.json', 'plans/today/two.json', undefined])
    expect(planned.stderr).toContain('qicore-db policies apply plans/today/one.json --target one')

    // Both databases may have the same name, so the target decides.
    const wrong = await qicore('policies apply plans/today/one.json --target two --yes --json')
    expectExit(wrong, 2)
    expect(jsonOf<{error: {code: string}}>(wrong).error.code).toBe('OTHER_DATABASE')
    expectExit(await qicore('policies apply plans/today/one.json --target one --json'), 7)
    const applied = await qicore('policies apply plans/today/one.json --target one --yes --json')
    expectExit(applied, 0)
    const again = jsonOf<FleetReport>(await qicore('policies plan --targets one,two --json'))
    expect(again.targets.map(({report}) => (report as {steps: unknown[]}).steps.length > 0)).toEqual([false, true])
  })

  it('a job that would drop chunks is refused on many targets, and drops nothing', async () => {
    const url = await engine.urlFor(({run}) =>
      run(`create table metrics (time timestamptz not null, v int);
        select create_hypertable('metrics', 'time');
        insert into metrics values ('2024-01-01', 1)`),
    )
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1
targets: {one: {url: "\${QICORE_TEST_ONE}"}}
tables: {public.metrics: {retention: {after: 30d}}}
`,
    })
    const qicore = (args: string) => runCli(args.split(' '), {cwd, env: {QICORE_TEST_ONE: url}})
    expectExit(await qicore('policies apply --confirm one --target one'), 0)
    for (const args of ['jobs run retain --all-targets --dry-run --json', 'jobs run retain --all-targets --json']) {
      const run = await qicore(args)
      expectExit(run, 7)
      expect(jsonOf<Change>(run).targets.map(outcome)).toEqual([['one', 7, 'NOT_SAFE']])
    }
    const alone = await qicore('jobs run retain --target one --dry-run --json')
    expect(jsonOf<{steps: {class: string}[]}>(alone).steps.map((step) => step.class)).toContain('loss')
  })

  it('--out-dir and --out are for many and for one', async () => {
    const url = await engine.urlFor(async () => {})
    const cwd = directoryWith({
      'qicore-db.config.yaml': 'version: 1\ntargets: {one: {url: "${QICORE_TEST_ONE}"}}\n',
    })
    const env = {QICORE_TEST_ONE: url}
    for (const args of ['policies plan --all-targets --out a.json', 'policies plan --target one --out-dir plans'])
      expectExit(await runCli([...args.split(' '), '--json'], {cwd, env}), 2)
  })
})
