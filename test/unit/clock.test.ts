import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'

const directory = join(root, 'test')
const files = readdirSync(directory, {recursive: true, encoding: 'utf8'})
  .filter((name) => /\.(ts|mjs|sql)$/.test(name))
  .sort()
const textOf = (file: string) => readFileSync(join(directory, file), 'utf8')

/** The clock of this process. performance.now() is not one: it only measures elapsed time. */
const clockOfNode = /\bDate\.now\b|\bnew Date\(\)/
const words = [
  'clock_timestamp',
  'statement_timestamp',
  'transaction_timestamp',
  'timeofday',
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
]
/**
 * The clock of the server. Names like beat_now() are functions of the tests, and localTime is a function of the
 * program.
 */
const clockOfServer = new RegExp(
  `(?<![.\\w>])now\\(\\)|\\bqicore\\.now\\(\\)|\\b(?:${words.flatMap((word) => [word, word.toUpperCase()]).join('|')})\\b`,
)

const elapsed = 'measures what has passed since the test began'
const daemonClock = 'runs a daemon or its queries on schedules of seconds and minutes, and moves qicore.now()'
const noClock = 'no clock is read: the text is data of the test'

/** Files that may read a clock besides helpers/clock.ts, and why their result does not depend on the date. */
const allowed: Record<string, {node?: string; server?: string}> = {
  'helpers/clock.ts': {node: 'gives the others their times', server: 'gives the others their times'},
  'helpers/property-seed.ts': {node: 'chooses a seed, where a person asked for a random one'},
  'process/commands/jobs-retain.test.ts': {node: 'gives the program a clock that is 90 s ahead'},
  'engine/daemon/clocks.test.ts': {node: daemonClock, server: daemonClock},
  'engine/daemon/worker-pool.test.ts': {node: daemonClock, server: daemonClock},
  'engine/daemon/cron-watch.test.ts': {server: daemonClock},
  'engine/daemon/memory-ledger.test.ts': {server: 'sets qicore.now() to a fixed time'},
  'helpers/daemon-crowd.ts': {node: elapsed},
  'engine/daemon/faults.test.ts': {node: elapsed, server: 'asks whether a lease has run out'},
  'engine/jobs/run-by-hand.test.ts': {
    node: daemonClock,
    server: 'moves qicore.now() and asks whether a lease has run out',
  },
  'engine/db/replica-condition.test.ts': {server: 'a due time that the standby has not replayed'},
  'engine/jobs/store/job-store.test.ts': {node: daemonClock, server: daemonClock},
  'process/daemon/network.test.ts': {node: elapsed},
  'process/daemon/pooler.test.ts': {node: elapsed},
  'engine/daemon/rampage.test.ts': {server: daemonClock},
  'engine/daemon/roles.test.ts': {node: daemonClock},
  'process/citus-life.test.ts': {server: daemonClock},
  'process/citus-cron.test.ts': {server: 'pg_cron runs the entry now; its partitions are of 2020'},
  'engine/citus/locks.test.ts': {server: 'fills the partition of the present that qicore.ensure_partitions creates'},
  'engine/partitions/period-change.test.ts': {server: 'names a partition after the hour that the routine fills'},
  'process/db/embedded.test.ts': {node: elapsed},
  'helpers/run-steps.ts': {server: 'the order of rows'},
  'engine/reports/clocks.test.ts': {server: 'compares the clock of the program with that of the server, read at once'},
  'unit/validation/validators.test.ts': {node: 'a price without --as-of is judged by the clock of this process'},
  'helpers/schema-names.ts': {server: noClock},
  'engine/schema/zod.test.ts': {server: noClock},
  'unit/cli/render-stats.test.ts': {server: noClock},
  'unit/catalog/cron-entries.test.ts': {server: noClock},
  'unit/policies/cron-policies.test.ts': {server: noClock},
  'process/doctor-cron.test.ts': {server: noClock},
  'unit/clock.test.ts': {server: noClock},
}

describe('tests do not depend on the calendar', () => {
  it.each([
    ['node', clockOfNode],
    ['server', clockOfServer],
  ] as const)('the clock of the %s is read only where the reason is listed', (of, pattern) => {
    const reads = files.filter((file) => pattern.test(textOf(file)))
    expect(
      reads.filter((file) => !allowed[file]?.[of]),
      'take the time from helpers/clock.ts, or give a fixed one',
    ).toEqual([])
    expect(
      Object.keys(allowed).filter((file) => allowed[file]![of] && !reads.includes(file)),
      'no longer reads the clock: take it off the list',
    ).toEqual([])
  })

  it.each([
    'select now()',
    "insert into t values (now() - interval '1 day')",
    'select pg_catalog.clock_timestamp()',
    'select CURRENT_TIMESTAMP',
    'select qicore.now()',
    'select current_date',
  ])('a clock of the server is recognised: %s', (text) => {
    expect(text).toMatch(clockOfServer)
  })

  it.each(['performance.now()', 'clock.now()', 'select public.beat_now()', "localTime('UTC', 5)"])(
    '%s is none',
    (text) => {
      expect(text).not.toMatch(clockOfServer)
      expect(text).not.toMatch(clockOfNode)
    },
  )
})
