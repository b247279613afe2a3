import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {expectExit, jsonOf, runCli, type CliOptions, type CliResult} from '../helpers/cli.js'
import {forEachEngine} from '../helpers/engines.js'
import {directoryWith} from '../helpers/files.js'

const broken = directoryWith({'qicore-db.config.yaml': 'version: 1\ntargets: 7\n'})
const named = directoryWith({
  'qicore-db.config.yaml': 'version: 1\ntargets:\n  prod: { url: "postgres://someone@127.0.0.1:1/none" }\n',
})

// A dozen processes of their own, each of which starts the embedded engine.
const timeout = 300_000

/** Runs a command in both ways, in the same directory. */
async function both(args: readonly string[], options: CliOptions = {}) {
  const cwd = options.cwd ?? directoryWith({})
  const hosted = await runCli(args, {...options, cwd})
  return {hosted, real: await runCli(args, {...options, cwd, process: true})}
}

/** Without what differs between two runs of the binary: times, durations and process ids. */
const comparable = ({stdout, stderr, ...rest}: CliResult) => ({...rest, stdout: same(stdout), stderr: same(stderr)})
const same = (text: string) =>
  text
    .replace(/\b\d{4}-\d\d-\d\d[T\s]+\d\d:\d\d:\d\d(?:\.\d+)?/g, '<time>')
    .replace(/\b\d+(?:\.\d+)? m?s\b/g, '<duration>')
    .replace(/\bpid \d+/g, 'pid <pid>')

describe('a command in a process that ran others before', () => {
  it.each<[string[], number, CliOptions?]>([
    [['--version'], 0],
    [['--help'], 0],
    [['policies', 'set', '--help'], 0],
    [['help', 'stats'], 0],
    [['config', 'show', '--json'], 0, {cwd: named}],
    [['config', 'show', '--json'], 2, {env: {QICORE_LOCK_TIMEOUT: '7m'}}],
    [['config', 'show', '--json'], 0, {env: {QICORE_LOCK_TIMEOUT: '7s'}}],
    [['config', 'show'], 0],
    [['statz'], 2],
    [['statz', '--json'], 2],
    [['stats', '--nosuch'], 2],
    [['stats', '--target', 'nosuch'], 2, {cwd: named}],
    [['stats', '--target', 'prod'], 4, {cwd: named}],
    // Right after a command with --target: the printed commands must not repeat that flag.
    [['chunks', 'drop'], 2],
    [['stats'], 2],
    [['stats', '--json'], 2],
    [['stats', '--json'], 2, {cwd: broken}],
    [['stats', '--url', 'postgres://a:secret@127.0.0.1:1/b'], 4],
    [['stats', '--json'], 4, {env: {QICORE_DB_URL: 'postgres://a:secret@127.0.0.1:1/b'}}],
    [['stats'], 4, {env: {PGHOST: '127.0.0.1', PGPORT: '1', PGUSER: 'a', PGDATABASE: 'b'}}],
    [['validate', 'price', 'nowhere.csv', '--json'], 2],
    [['policies', 'apply', 'nowhere.json', '--url', 'postgres://a@127.0.0.1:1/b', '--json'], 2],
    [['jobs', 'simulate', '--from', '2026-01-01', '--to', '2026-01-02'], 0],
    [['completion', 'bash'], 0],
  ])('has the same output and exit code as in a process of its own: %j', async (args, exitCode, options) => {
    const {hosted, real} = await both(args, options)
    expect(real.exitCode, real.stderr).toBe(exitCode)
    expect(comparable(hosted)).toEqual(comparable(real))
  })

  it('may differ from the previous one in directory, home and environment, at the same time too', async () => {
    const places = ['a', 'b', 'c'].map((name) => {
      const cwd = directoryWith({})
      writeFileSync(
        join(cwd, 'qicore-db.config.yaml'),
        `version: 1\ntargets: { ${name}: { url: "postgres://h/${name}" } }\n`,
      )
      return {name, cwd}
    })
    const shown = await Promise.all(
      places.map(({name, cwd}) =>
        runCli(['config', 'show', '--json'], {cwd, env: {QICORE_DB_URL: `postgres://env/${name}`}}),
      ),
    )
    for (const [index, {name}] of places.entries()) {
      expect(shown[index]!.stdout).toContain(`postgres://h/${name}`)
      expect(shown[index]!.stdout).toContain(`postgres://env/${name}`)
    }
  })

  it('is killed at the timeout, and the next one runs', async () => {
    expect((await runCli(['config', 'show'], {timeout: 1})).exitCode).toBeNull()
    expect((await runCli(['config', 'show'])).exitCode).toBe(0)
  })

  forEachEngine({}, (engine) => {
    it(
      'has the same output and exit code as in a process of its own, with a database',
      async () => {
        const url = await engine.urlFor(async ({run}) => {
          await run('create table public.plain (time timestamptz not null)')
        })
        const env = {QICORE_DB_URL: url}
        const cases = [
          [['stats'], 0],
          [['stats', 'nosuch', '--json'], 2],
          [['policies', 'plan', '--json'], 0],
          // Cheap only on a server: each starts the embedded engine.
          ...(engine.native
            ? ([
                [['stats', '--json'], 0],
                [['migrate', 'status'], 0],
                [['migrate', 'up', '--dry-run'], 0],
                [['partitions', 'list', '--json'], 0],
                [['jobs', 'why', 'nosuch', '--json'], 2],
              ] as const)
            : []),
        ] as const
        for (const [args, exitCode] of cases) {
          const {hosted, real} = await both(args, {env})
          expect(real.exitCode, `${real.command}\n${real.stderr}`).toBe(exitCode)
          expect(comparable(hosted)).toEqual(comparable(real))
        }
      },
      timeout,
    )

    it(
      'sees in an engine that stayed open what a change of another command and process wrote',
      async () => {
        const url = await engine.urlFor(async () => {})
        const pending = async (options: CliOptions = {}) =>
          jsonOf<{migrations: {state: string}[]}>(
            await runCli(['migrate', 'status', '--json', '--url', url], options),
          ).migrations.filter(({state}) => state === 'pending').length
        const up = ['migrate', 'up', '--yes', '--url', url]
        const all = await pending()
        expectExit(await runCli([...up, '--stream', 'core'], {process: true}), 0)
        const left = await pending()
        expect(left).toBeLessThan(all)
        expectExit(await runCli(up), 0)
        expect(await pending({process: true})).toBe(0)
        expect(left).toBeGreaterThan(0)
      },
      timeout,
    )
  })
})
