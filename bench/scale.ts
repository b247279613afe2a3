/**
 * How `stats` and `policies status` grow: from 10 000 chunks to 100 000, in time and memory of the process, and with
 * 1 000 hypertables of 5 chunks. Against SQL by hand: the functions of TimescaleDB that return the same sizes. Whole
 * processes, so the start of the program counts.
 *
 * The databases take long to fill, so they are named, and what is not named is skipped; bench/fill.ts fills them.
 * QICORE_BENCH_10K, QICORE_BENCH_100K and QICORE_BENCH_TABLES are URLs of one server.
 */
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'
import {statement} from '../src/db/sql.js'
import {race, report, type Timing} from './measure.js'
import {connected, rounds, writing} from './ten-thousand-chunks.js'

const bin = fileURLToPath(new URL('../bin/run.js', import.meta.url))
/** Writes the largest resident memory in KB behind the output of the process. */
const memory = `data:text/javascript,process.on('exit',()=>process.stderr.write('rss '+process.resourceUsage().maxRSS+'\\n'))`
const commands = {stats: ['stats'], 'policies status': ['policies', 'status', '--fail-on', 'never']} as const
type Name = keyof typeof commands

interface Run {
  document: {tables?: {chunks: number; totalBytes: number | null}[]; policies?: unknown[]}
  megabytes: number
}

async function run(name: Name, url: string): Promise<Run> {
  const args = ['--import', memory, bin, ...commands[name], '--json', '--url', url]
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'pipe']})
  const read = {out: '', err: ''}
  child.stdout.on('data', (part: Buffer) => (read.out += String(part)))
  child.stderr.on('data', (part: Buffer) => (read.err += String(part)))
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`${name}: exit ${code}\n${read.err}`)
  return {document: JSON.parse(read.out) as Run['document'], megabytes: Number(/rss (\d+)/.exec(read.err)![1]) / 1024}
}

/** Sizes and compression of all hypertables by hand, in statements that return what `stats` shows. */
async function naive(url: string): Promise<number> {
  return connected({name: null, url, source: '--url', protected: false}, (db) =>
    db.transaction({...writing, readOnly: true}, async (tx) => {
      const tables = `from timescaledb_information.hypertables h, format('%I.%I', h.hypertable_schema, h.hypertable_name) as name`
      const [sum] = await tx.query<{bytes: number}>(
        statement(`select sum(s.total_bytes)::int8 as bytes ${tables}, hypertable_detailed_size(name::regclass) as s`),
      )
      await tx.query(statement(`select name, s.* ${tables}, chunks_detailed_size(name::regclass) as s`))
      await tx.query(statement(`select name, s.* ${tables}, chunk_compression_stats(name::regclass) as s`))
      return sum!.bytes
    }),
  )
}

const totalOf = ({document}: Run) =>
  (document.tables ?? []).reduce((sum, {totalBytes}) => sum + (totalBytes ?? Number.NaN), 0)

async function growth(small: string, large: string): Promise<void> {
  const peaks: Record<string, number> = {}
  const timed = (name: Name, size: string, url: string) => async () => {
    const {megabytes} = await run(name, url)
    peaks[`${name}, ${size}`] = Math.max(peaks[`${name}, ${size}`] ?? 0, megabytes)
  }
  for (const name of Object.keys(commands) as Name[]) {
    const taken = await race(rounds, {small: timed(name, '10 000', small), large: timed(name, '100 000', large)})
    const peak = peaks[`${name}, 100 000`]!
    report(
      `${name} of 10 000 and of 100 000 chunks, ${rounds} interleaved rounds, whole processes, medians`,
      [
        {...taken.small, name: `10 000 chunks, ${peaks[`${name}, 10 000`]!.toFixed(0)} MB`},
        {...taken.large, name: `100 000 chunks, ${peak.toFixed(0)} MB`},
      ],
      [
        {what: '100 000 over 10 000 chunks', ratio: taken.large.median / taken.small.median, atMost: 11},
        {what: 'resident memory over 300 MB', ratio: peak / 300, atMost: 1},
      ],
    )
  }
}

async function againstNaive(title: string, url: string, atMost: number): Promise<void> {
  const [ours, theirs] = [totalOf(await run('stats', url)), await naive(url)]
  if (ours !== theirs) throw new Error(`The sizes differ: ${ours}, by hand ${theirs}`)
  const taken = await race(rounds, {
    stats: () => run('stats', url),
    status: () => run('policies status', url),
    naive: () => naive(url),
  })
  const named = (timing: Timing, name: string) => ({...timing, name})
  report(
    `${title}, ${rounds} interleaved rounds, medians`,
    [
      named(taken.stats, 'stats, whole process'),
      named(taken.status, 'policies status, whole process'),
      named(taken.naive, 'sizes and compression by hand'),
    ],
    [
      {what: 'stats', ratio: taken.stats.median / taken.naive.median, atMost},
      {what: 'policies status', ratio: taken.status.median / taken.naive.median, atMost},
    ],
  )
}

const {QICORE_BENCH_10K: small, QICORE_BENCH_100K: large, QICORE_BENCH_TABLES: tables} = process.env
if (small && large) await growth(small, large)
else process.stdout.write('skipped: QICORE_BENCH_10K and QICORE_BENCH_100K name no databases (bench/fill.ts)\n')
if (tables) await againstNaive('1 000 hypertables of 5 chunks', tables, 0.5)
else process.stdout.write('skipped: QICORE_BENCH_TABLES names no database (bench/fill.ts)\n')
