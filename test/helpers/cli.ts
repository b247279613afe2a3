import {spawn} from 'node:child_process'
import {join} from 'node:path'
import {expect} from 'vitest'
import {root} from './build.js'
import {releaseEngines, runHosted, type HostedRun, type Output} from './cli-hosts.js'
import {temporaryDirectory} from './files.js'
import {expectCommandsParse, type ParsedCommand} from './printed.js'
import {withoutPassword} from '../../src/db/redact.js'
import {withoutDatabase} from '../../src/units/command.js'

/** The output and exit code of a run of the program. */
export interface CliResult extends Output {
  /** The command line, for messages of failed tests. */
  command: string
}

export interface CliOptions {
  /** Added to an environment that names no database and no home. */
  env?: Record<string, string>
  /** By default an empty directory, so that no configuration is found. */
  cwd?: string
  stdin?: string
  /** The width of the terminal; 80 by default. */
  columns?: number
  /** Options of node itself, before bin/run.js. */
  node?: readonly string[]
  /** Milliseconds after which it is killed. */
  timeout?: number
  /** Instead of the binary of this checkout. */
  bin?: string
  /** A process that runs only this command: for a test of signals, of kill -9, or of the start and end of the process. */
  process?: boolean
}

/** A help text lists commands with words of its own beside them. */
const help = ['--help', '-h', 'help']

/** Environment that the program reads for each command. Node or a library reads any other when it is loaded. */
const readPerCommand = /^(?:QICORE_\w+|PG\w+|DATABASE_URL|USER|HOME)$/

/**
 * Runs bin/run.js as an operator would, in an environment with only the given variables. Unless the options need a
 * process of its own, it runs in a process that has run other commands before (cli-hosts.ts), which takes a tenth of the
 * time; test/process/cli-host.test.ts compares the two.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const cwd = options.cwd ?? temporaryDirectory()
  const columns = String(options.columns ?? 80)
  const fixed = {PATH: process.env.PATH ?? '', COLUMNS: columns, OCLIF_COLUMNS: columns, NO_COLOR: '1'}
  const run = {args, cwd, env: {...fixed, HOME: cwd, ...options.env}, timeout: options.timeout ?? 60_000}
  const output = needsProcess(args, options) ? await runProcess(run, options) : await runHosted(run, fixed)
  if (!args.some((word) => help.includes(word)))
    expectSameDatabase(await expectCommandsParse(`${plainText(output.stdout)}\n${output.stderr}`), args)
  // Node warns of a leak of listeners, an unhandled rejection or a deprecated function: an operator must see none of it.
  expect(output.stderr).not.toMatch(/\(node:\d+\) .*Warning/)
  return {...output, command: `qicore-db ${args.join(' ')}`}
}

function needsProcess(
  args: readonly string[],
  {process, columns = 80, stdin, node, bin, env = {}}: CliOptions,
): boolean {
  return (
    process === true ||
    columns !== 80 ||
    [stdin, node, bin].some((option) => option !== undefined) ||
    Object.keys(env).some((name) => !readPerCommand.test(name)) ||
    args.includes('daemon') ||
    args.includes('--watch')
  )
}

async function runProcess({args, cwd, env, timeout}: HostedRun, {node = [], bin, stdin}: CliOptions): Promise<Output> {
  await releaseEngines()
  const child = spawn(process.execPath, [...node, bin ?? join(root, 'bin/run.js'), ...args], {cwd, env})
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A program that does not read its stdin may close it first.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin ?? '')
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  clearTimeout(timer)
  return {stdout, stderr, exitCode}
}

/** A copied command must work on the same database as the run: it repeats the flags that selected it. */
function expectSameDatabase(printed: readonly ParsedCommand[], args: readonly string[]): void {
  const given = (flag: string) => args.find((_, at) => args[at - 1] === `--${flag}`)
  const url = given('url')
  for (const {id, flags} of printed) {
    if (flags.help === true || withoutDatabase.has(id)) continue
    if (given('target') !== undefined) expect(flags.target, `--target in the printed ${id}`).toBe(given('target'))
    // The password is left out.
    if (url !== undefined && withoutPassword(url) !== undefined)
      expect(flags.url ?? flags.target, `--url in the printed ${id}`).toBeDefined()
    if (flags.url !== undefined) expect(flags.url, `--url in the printed ${id}`).toBe(withoutPassword(url ?? ''))
    if (given('config') !== undefined) expect(flags.config, `--config in the printed ${id}`).toBe(given('config'))
  }
}

/** Every text of a JSON document or of a JSON array in a field of CSV, one per line; any other output unchanged. */
function plainText(stdout: string): string {
  const texts: string[] = []
  const walk = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value)
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk)
  }
  try {
    walk(JSON.parse(stdout))
  } catch {
    return stdout.replace(
      /"(\[(?:[^"]|"")*\])"(?=,|$)/gm,
      (_, list: string) => `\n${plainText(list.replaceAll('""', '"'))}\n`,
    )
  }
  return texts.join('\n')
}

/** The single document on stdout; any other output fails the test and is shown. */
export function jsonOf<Report = Record<string, unknown>>(result: CliResult): Report {
  try {
    return JSON.parse(result.stdout) as Report
  } catch {
    throw new Error(`${result.command}: stdout is not one JSON document.\n${shown(result)}`)
  }
}

/** Fails with the whole output if the program ended with another code. */
export function expectExit(result: CliResult, exitCode: number): void {
  expect(result.exitCode, `exit code of ${result.command}\n${shown(result)}`).toBe(exitCode)
}

function shown({stdout, stderr, exitCode}: CliResult): string {
  return `exit ${exitCode}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`
}
