/**
 * The plan of a change with 6 000 steps: the dry run of `chunks compress` over all uncompressed chunks of about 10 000,
 * with its SQL in a pipe, against `stats` on the same database. Whole processes, so that start-up counts on both sides.
 */
import {spawnSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {runMigrations} from '../src/index.js'
import {race, report} from './measure.js'
import {chunks, compressed, rounds, withTenThousandChunks} from './ten-thousand-chunks.js'

const bin = fileURLToPath(new URL('../bin/run.js', import.meta.url))

/** @returns what the process wrote to stderr */
function run(...args: string[]): string {
  const {status, stderr} = spawnSync(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  if (status !== 0) throw new Error(`${args.join(' ')}: exit ${status}\n${stderr}`)
  return stderr
}

await withTenThousandChunks(async ({url}) => {
  // Without the schema qicore the dry run also checks what installing it would mean.
  await runMigrations(url)
  const plan = () => run('chunks', 'compress', 'public.ticks', '--older-than', '1d', '--dry-run', '--url', url)
  const steps = chunks - compressed
  if (!plan().includes(`${steps} steps`)) throw new Error(`The plan has not ${steps} steps.`)
  const taken = await race(rounds, {stats: () => run('stats', '--url', url), 'dry run': plan})
  report(
    `Dry run of ${steps} steps over ${chunks} chunks, ${rounds} interleaved rounds, medians`,
    [
      {...taken.stats, name: 'stats'},
      {...taken['dry run'], name: 'chunks compress --dry-run, SQL in a pipe'},
    ],
    [{what: 'the dry run over stats', ratio: taken['dry run'].median / taken.stats.median, atMost: 1.5}],
  )
})
