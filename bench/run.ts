/**
 * `npm run bench [name…]` runs every benchmark of this directory, or those named, each in a separate process.
 * `npm run bench -- --json` prints one JSON document instead, with the machine, the server and the load at each start.
 */
import {spawnSync} from 'node:child_process'
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {cpus, loadavg, tmpdir, totalmem} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import pg from 'pg'
import type {Measured} from './measure.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const shared = new Set(['run', 'measure', 'database', 'ten-thousand-chunks', 'fill'])
const all = readdirSync(here)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .filter((name) => !shared.has(name))

interface Run {
  name: string
  /** Load average of the last minute when it started. */
  load: number
  exitCode: number | null
  results: Measured[]
}

function runBench(name: string, json: boolean): Run {
  const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))
  const file = join(directory, 'results')
  const load = loadavg()[0]!
  // Beside JSON the text goes to stderr, so that a person sees that something happens.
  const {status} = spawnSync(process.execPath, ['--import', 'tsx', `${here}${name}.ts`], {
    stdio: ['inherit', json ? 2 : 'inherit', 'inherit'],
    env: {...process.env, QICORE_BENCH_RESULTS: file},
  })
  const results = readdirSync(directory).flatMap((written) =>
    readFileSync(join(directory, written), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Measured),
  )
  rmSync(directory, {recursive: true})
  if (status !== 0) process.exitCode = 1
  return {name, load, exitCode: status, results}
}

/** The versions of the server that QICORE_TEST_URL names; null without one. */
async function serverVersions(): Promise<{postgres: string; timescaledb: string | null} | null> {
  const url = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
  if (!url) return null
  const client = new pg.Client(url)
  await client.connect()
  try {
    const {rows} = await client.query<{postgres: string; timescaledb: string | null}>(
      `select current_setting('server_version') as postgres,
        (select default_version from pg_available_extensions where name = 'timescaledb') as timescaledb`,
    )
    return rows[0]!
  } finally {
    await client.end()
  }
}

const asked = process.argv.slice(2)
const json = asked.includes('--json')
const names = asked.filter((word) => word !== '--json')
const unknown = names.filter((name) => !all.includes(name))
if (unknown.length > 0) throw new Error(`There is no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}.`)

const at = new Date().toISOString()
const server = json ? await serverVersions() : null
const runs = (names.length > 0 ? names : all).map((name) => runBench(name, json))
if (json) {
  const machine = {cores: cpus().length, cpu: cpus()[0]?.model ?? null, memoryBytes: totalmem(), node: process.version}
  process.stdout.write(`${JSON.stringify({kind: 'bench', version: 1, at, machine, server, runs}, null, 2)}\n`)
}
