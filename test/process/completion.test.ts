import {spawnSync} from 'node:child_process'
import {chmodSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {rememberTables} from '../../src/cli/completion/known-tables.js'
import {completionScripts, shells, type Shell} from '../../src/cli/completion/scripts.js'
import {root} from '../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../helpers/cli.js'
import {skipBecause} from '../helpers/engines.js'
import {directoryWith} from '../helpers/files.js'

const cwd = directoryWith({
  'qicore-db.config.yaml': `version: 1
default: local
targets:
  local: {url: "embedded:.qicore/db"}
  prod: {url: "postgres://ops@nowhere.invalid/market"}
tables: {public.ticks: {retention: none}, desk_b.quotes: {retention: none}}
aggregates: {public.ticks_1h: {retention: none}}
jobs: {nightly: {kind: sql, schedule: "@daily", statement: "select 1"}, retain: none}
`,
  'prices.csv': '',
})
const program = join(cwd, 'qicore-db')
writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" ${join(root, 'bin/run.js')} "$@"\n`)
chmodSync(program, 0o755)
rememberTables(
  {url: 'postgres://ops@nowhere.invalid/market'},
  [
    {schema: 'public', table: 'readings', kind: 'hypertable'},
    {schema: 'public', table: 'readings_1d', kind: 'aggregate'},
  ],
  {HOME: cwd},
)
for (const shell of shells) writeFileSync(join(cwd, shell), completionScripts[shell])

/** How each shell is asked what it offers for the last of some words. */
const ask: Record<Shell, (words: readonly string[]) => [string, ...string[]]> = {
  bash: (words) => [
    ...(['bash', '-c'] as const),
    'source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _qicore_db_complete; printf "%s\\n" "${COMPREPLY[@]}"',
    ...['bash', 'qicore-db', ...words],
  ],
  // The two functions of its completion system are the test's: they print what they are given.
  zsh: (words) => [
    ...(['zsh', '-fc'] as const),
    'compdef() {}; _files() { print -rl -- *.csv }; _describe() { print -rl -- "${(@)${(@P)3}%%:*}" }; source ./zsh; words=("$@"); CURRENT=$#; _qicore_db_complete || true',
    ...['zsh', 'qicore-db', ...words.map((word) => word.replaceAll('"', '\\"'))],
  ],
  fish: (words) => ['fish', '--no-config', '-c', `source ./fish; complete -C "qicore-db ${words.join(' ')}"`],
}

function offered(shell: Shell, ...words: string[]): string[] {
  const [command, ...args] = ask[shell](words)
  const env = {PATH: `${cwd}:${process.env.PATH}`, HOME: cwd, LC_ALL: 'C'}
  const {stdout, status, stderr} = spawnSync(command, args, {encoding: 'utf8', cwd, env})
  expect(status, stderr).toBe(0)
  return [...new Set(stdout.split('\n').map((line) => line.split('\t')[0]!))].filter(Boolean).sort()
}

describe.each(shells)('completion in %s', (shell) => {
  if (spawnSync(shell, ['--version']).status !== 0) return skipBecause(`${shell} is not installed`)

  it('offers commands, flags anywhere, and fixed values', () => {
    expect(offered(shell, 'chu')).toEqual(['chunks'])
    expect(offered(shell, 'chunks', '')).toEqual(['compress', 'decompress', 'drop', 'export', 'list'])
    expect(offered(shell, 'chunks', 'drop', 'ticks', '--old')).toEqual(['--older-than'])
    expect(offered(shell, 'stats', '--format', 'm')).toEqual(['markdown'])
    expect(offered(shell, 'policies', 'why', 'ticks', 're')).toEqual(['refresh', 'reorder', 'retention'])
    expect(offered(shell, 'help', 'exi')).toEqual(['exit-codes'])
  })

  it('offers the targets, tables, aggregates and jobs of the configuration', () => {
    expect(offered(shell, 'stats', '--target', '')).toEqual(['local', 'prod'])
    expect(offered(shell, '--target', 'p')).toEqual(['prod'])
    expect(offered(shell, 'chunks', 'drop', 't')).toEqual(['ticks', 'ticks_1h'])
    expect(offered(shell, 'stats', '-q', 'desk')).toEqual(['desk_b.quotes'])
    expect(offered(shell, 'aggregates', 'refresh', 'h')).toEqual(['hourly_price_averages'])
    expect(offered(shell, 'jobs', 'run', '')).toEqual([
      'maintain',
      'nightly',
      'partitions',
      'prune-history',
      'refresh',
      'snapshot',
    ])
  })

  it('offers the tables that the database of the command had at the last report', () => {
    expect(offered(shell, 'chunks', 'drop', '--target', 'prod', 'read')).toEqual(['readings', 'readings_1d'])
    expect(offered(shell, 'chunks', 'drop', '--url', 'postgres://other@nowhere.invalid/market', 'read')).toEqual([
      'readings',
      'readings_1d',
    ])
    expect(offered(shell, 'chunks', 'drop', '--target', 'local', 'read')).toEqual([])
    expect(offered(shell, 'aggregates', 'refresh', '--target', 'prod', 'read')).toEqual(['readings_1d'])
  })

  it('leaves names of files to the shell', () => {
    // bash completes them by itself after `compopt -o default`.
    const files = shell === 'bash' ? [] : ['prices.csv']
    expect(offered(shell, 'validate', 'price', 'pri')).toEqual(files)
  })
})

it('bash splits a value behind an equals sign, and gets the value alone', () => {
  const {stdout} = spawnSync(program, ['__complete', 'stats', '--target', '=', 'p'], {encoding: 'utf8', cwd})
  expect(stdout).toBe('prod\t\n')
})

it('completion prints the script, and loads neither oclif nor a command to complete a word', async () => {
  const printed = await runCli(['completion', 'fish'])
  expectExit(printed, 0)
  expect(printed.stdout).toBe(completionScripts.fish)
  expect(jsonOf(await runCli(['completion', 'zsh', '--json']))).toMatchObject({
    kind: 'completion',
    script: completionScripts.zsh,
  })
  const word = await runCli(['__complete', 'chunks', 'drop', 'tic'], {
    cwd,
    env: {FORBIDDEN: '@oclif/core,pg,zod,chalk,croner'},
    node: ['--import', join(root, 'test/helpers/forbid.mjs')],
  })
  expect(word.stdout).toBe('ticks\t\nticks_1h\t\n')
})
