/**
 * The time of `stats` on a small database of a server, against the least that an operator needs for one answer: `psql`
 * with one query on the same database, and the start of Node without a program. Whole processes, without a
 * configuration. Needs psql and QICORE_TEST_URL; drops its database at the end.
 */
import {spawnSync} from 'node:child_process'
import {tmpdir} from 'node:os'
import {fileURLToPath} from 'node:url'
import {BenchDatabases} from './database.js'
import {race, report} from './measure.js'

const bin = fileURLToPath(new URL('../bin/run.js', import.meta.url))
const sizes = "select oid::regclass, pg_total_relation_size(oid) from pg_class where relkind in ('r', 'p')"

function run(program: string, ...args: string[]): () => void {
  return () => {
    const {status, error, stderr} = spawnSync(program, args, {
      cwd: tmpdir(),
      encoding: 'utf8',
      env: {...process.env, NO_COLOR: '1'},
    })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit ${status}\n${stderr}`}`)
  }
}

const databases = new BenchDatabases()
try {
  const {database} = await databases.create()
  const url = new URL(process.env.QICORE_TEST_URL!.split(/\s+/)[0]!)
  url.pathname = `/${database}`
  const rounds = Number(process.env.ROUNDS ?? 15)
  const taken = await race(rounds, {
    stats: run(process.execPath, bin, 'stats', '--url', url.href),
    psql: run('psql', '-X', '-At', '-c', sizes, url.href),
    node: run(process.execPath, '-e', '0'),
  })
  report(`On a small database, ${rounds} interleaved rounds, whole processes, medians`, Object.values(taken), [
    {
      what: 'stats, against psql and bare Node',
      ratio: taken.stats.median / (taken.psql.median + taken.node.median),
      atMost: 1.6,
    },
  ])
} finally {
  await databases.drop()
}
