import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {dueTimes} from '../../../src/schedule/due-times.js'
import {auditProblems} from '../../../src/schedule/audit.js'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {rampage, startDaemon} from '../../helpers/daemon-crowd.js'
import {withCore} from '../../helpers/daemon-jobs.js'

/** Duration in seconds; QICORE_RAMPAGE_SECONDS makes it longer. */
const seconds = Number(process.env.QICORE_RAMPAGE_SECONDS ?? 30)
/** A day in two seconds: leases and heartbeats use real time, schedules do not. */
const rate = 43_200
const start = '2026-03-20T00:00:00Z'

/** Records its work in a table, in the transaction of the step, so that every commit is visible. */
const effect = (before = '') =>
  `${before}insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)`

const jobs = {
  every6h: {
    kind: 'sql',
    schedule: '0 */6 * * *',
    catchUp: 'all',
    catchUpLimit: 1000,
    overlap: 'queue',
    statement: effect('select pg_sleep(random() * 0.05); '),
  },
  quarters: {
    kind: 'sql',
    schedule: '*/15 * * * *',
    overlap: 'skip',
    statement: `${effect()}; select pg_sleep(random() * 0.05)`,
  },
  berlin: {
    kind: 'sql',
    schedule: '30 2 * * *',
    timezone: 'Europe/Berlin',
    catchUp: 'all',
    statement: effect('select pg_sleep(random() * 0.3); '),
  },
  never: {kind: 'sql', schedule: '0 */4 * * *', catchUp: 'none', statement: effect()},
  flaky: {
    kind: 'sql',
    schedule: '0 */12 * * *',
    retries: 3,
    backoff: '50ms',
    catchUp: 'all',
    catchUpLimit: 1000,
    statement: effect('select 1 / (random() * 2)::int; '),
  },
}

function lcg(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
}

const setClock = ({run}: TestDatabase, expression: string) =>
  run(`create or replace function qicore.now() returns timestamptz language sql volatile return ${expression}`)

forEachEngine({native: true, kinds: ['timescaledb', 'postgres']}, (engine) => {
  it.each([2, 5])(
    '%i daemons, killed at random moments over many days, leave no gap and no duplicate, and do nothing twice',
    async (size) => {
      const database = await withCore(await engine.database())
      const {db, run, url} = database
      await run('create table public.effects (job text, scheduled_at timestamptz)')
      const [{epoch}] = (await run('select extract(epoch from clock_timestamp())::float8 as epoch')) as unknown as [
        {epoch: number},
      ]
      await setClock(
        database,
        `timestamptz '${start}' + (extract(epoch from pg_catalog.clock_timestamp())::float8 - ${epoch}) * ${rate} * interval '1 second'`,
      )

      const flags = ['--lease', '1500ms', '--poll', '100ms', '--workers', '4', '--grace', '5s']
      const {kills, daemons: workerPool} = await rampage(
        size,
        () => startDaemon(url, jobs, flags),
        {seconds, kills: 5},
        lcg(size),
      )
      const [{end}] = (await run("select date_trunc('second', qicore.now()) as end")) as unknown as [{end: string}]
      await setClock(database, `timestamptz '${end}'`)

      // It continues while there is progress, because a busy machine is slow.
      let left = Infinity
      for (let quiet = 0; quiet < 60; quiet += 1) {
        const {jobs: audits} = await readAudit(db, null, null, 0)
        const now = audits.reduce((sum, audit) => sum + auditProblems(audit, 0) + (audit.byStatus.running ?? 0), 0)
        if (audits.length === Object.keys(jobs).length && now === 0) break
        if (now < left) [left, quiet] = [now, 0]
        await sleep(500)
      }
      await Promise.all(workerPool.map((daemon) => daemon.event('ready')))
      for (const {child} of workerPool) child.kill('SIGTERM')
      expect(await Promise.all(workerPool.map(({ended}) => ended))).toEqual(workerPool.map(() => 0))

      const {jobs: audits} = await readAudit(db, null, null, 0)
      expect(
        audits.map(({job, gaps, duplicates, unexpected, abandoned, waiting}) => ({
          job,
          gaps,
          duplicates,
          unexpected,
          abandoned,
          waiting,
        })),
      ).toEqual(
        Object.keys(jobs)
          .sort()
          .map((job) => ({job, gaps: [], duplicates: [], unexpected: [], abandoned: [], waiting: []})),
      )

      // The same check without the auditor: every sixth hour has its row, and so has every half past two of
      // Berlin, which does not exist on 29 March.
      const of = async (job: string) =>
        (
          await run<{at: string}>('select scheduled_at as at from qicore.maintenance_log where job = $1 order by 1', [
            job,
          ])
        ).map(({at}) => Date.parse(at))
      const regular = await of('every6h')
      expect(regular).toEqual(Array.from({length: regular.length}, (_, index) => regular[0]! + index * 21_600_000))
      expect(regular.at(-1)! + 21_600_000).toBeGreaterThan(Date.parse(end))
      const berlin = await of('berlin')
      // If the jobs were declared between midnight and half past two, it is the very first.
      const first = Math.min(regular[0]!, berlin[0]!)
      const expected = [...dueTimes({schedule: '30 2 * * *', timezone: 'Europe/Berlin'}, first - 1, Date.parse(end))]
      expect(berlin).toEqual(expected.slice(-berlin.length))

      // Each done occurrence was done once; each skipped or failed one was not done at all.
      const wrong = await run(`select l.job, l.scheduled_at, l.status, count(e.job) as effects
      from qicore.maintenance_log l left join public.effects e using (job, scheduled_at)
      group by 1, 2, 3 having count(e.job) <> case when l.status in ('done', 'done_late') then 1 else 0 end`)
      expect(wrong).toEqual([])
      const [sums] = await run<{
        occurrences: number
        done: number
        retaken: number
        days: number
      }>(`select count(*) as occurrences, count(*) filter (where status in ('done', 'done_late')) as done,
      count(*) filter (where attempts > 1) as retaken, extract(day from max(scheduled_at) - min(scheduled_at))::int as days from qicore.maintenance_log`)
      process.stderr.write(
        `${engine.name}: ${size} daemons, ${kills} kills in ${sums!.days} days: ${sums!.occurrences} occurrences, ${sums!.done} done, ${sums!.retaken} tried more than once, 0 gaps, 0 duplicates\n`,
      )
      expect(sums!.days).toBeGreaterThanOrEqual(Math.floor((seconds * rate) / 86_400) - 4)
    },
    (seconds + 270) * 1_000,
  )
})
