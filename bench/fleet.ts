/**
 * `stats --all-targets` over 20 databases against 20 commands, one after the other and 4 at a time, as a person or a
 * script would run them. Each database has a partitioned table. QICORE_TEST_URL names the server; DATABASES and ROUNDS
 * make it shorter.
 */
import {spawn} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {connect} from '../src/db/connect.js'
import {statement} from '../src/db/sql.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {race, report} from './measure.js'

const bin = fileURLToPath(new URL('../bin/run.js', import.meta.url))
const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
if (!server) throw new Error('Set QICORE_TEST_URL to a server.')
const count = Number(process.env.DATABASES ?? 20)
const rounds = Number(process.env.ROUNDS ?? 5)

const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))
const databases: Awaited<ReturnType<typeof createDatabase>>[] = []

function run(...args: string[]): Promise<void> {
  const environment = Object.fromEntries(databases.map(({url}, index) => [`DB_${index}`, url]))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, 'stats', '--json', ...args], {
      cwd: directory,
      env: {...process.env, ...environment, NO_COLOR: '1'},
      stdio: 'ignore',
    })
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`stats ${args.join(' ')}: exit ${code}`))))
  })
}

async function each(parallel: number): Promise<void> {
  const names = databases.map((_, index) => `t${index}`)
  const worker = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) await run('--target', name)
  }
  await Promise.all(Array.from({length: parallel}, worker))
}

try {
  for (let index = 0; index < count; index += 1) {
    const database = await createDatabase(server, null)
    databases.push(database)
    const db = await connect(targetOf(database.url), {applicationName: 'qicore-db/bench'})
    for (const text of [
      'create table t (time timestamptz not null, value float8) partition by range (time)',
      "create table t_2024_01 partition of t for values from ('2024-01-01') to ('2024-02-01')",
      "insert into t select '2024-01-01+00'::timestamptz + interval '1 minute' * n, n from generate_series(1, 1000) n",
    ])
      await db.query(statement(text), writing)
    await db.close()
  }
  const targets = databases.map((_, index) => `  t${index}: {url: "\${DB_${index}}"}`)
  writeFileSync(join(directory, 'qicore-db.config.yaml'), `version: 1\ntargets:\n${targets.join('\n')}\n`)
  const taken = await race(rounds, {
    fleet: () => run('--all-targets'),
    commands: () => each(1),
    parallel: () => each(4),
  })
  report(
    `stats of ${count} databases on one server, ${rounds} interleaved rounds, medians`,
    [
      {...taken.fleet, name: 'stats --all-targets'},
      {...taken.commands, name: `${count} commands`},
      {...taken.parallel, name: `${count} commands, 4 at a time`},
    ],
    [
      {what: '--all-targets against the commands', ratio: taken.fleet.median / taken.commands.median, atMost: 0.25},
      {what: 'against 4 commands at a time', ratio: taken.fleet.median / taken.parallel.median, atMost: 0.5},
    ],
  )
} finally {
  for (const database of databases) await database.drop()
  rmSync(directory, {recursive: true, force: true})
}
