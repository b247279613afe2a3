import {describe, expect, it} from 'vitest'
import type {CronEntry, CronRun} from '../../../src/catalog/cron-entries.js'
import type {CatalogSnapshot} from '../../../src/catalog/snapshot.js'
import {newChunk, newTable, type Table} from '../../../src/catalog/table.js'
import {microsOf} from '../../../src/catalog/time.js'
import {ungatedEntry} from '../../../src/doctor/checks/policies/conflicts.js'
import {cronPolicies, cronStatus} from '../../../src/policies/status/cron-policies.js'

const at = '2026-06-15T00:00:00.000Z'

/** A set with a partition for each month of 2026 until June. */
const table: Table = {
  ...newTable({kind: 'partitioned', schema: 'public', name: 't', relation: 1, timeColumn: 'time', time: 'timestamptz'}),
  chunks: [1, 2, 3, 4, 5, 6].map((month) =>
    newChunk({
      relation: 10 + month,
      schema: 'public',
      name: `t_p2026_0${month}`,
      start: microsOf(`2026-0${month}-01T00:00:00.000Z`),
      end: microsOf(`2026-0${month + 1}-01T00:00:00.000Z`),
    }),
  ),
}
const clock = {now: microsOf(at), unit: null, time: 'timestamptz' as const}
const snapshot = {
  at,
  tables: [table],
  all: [table],
  policies: [],
  policiesReadable: true,
  clocks: new Map([[table, clock]]),
} as CatalogSnapshot

const entry = (command: string, id = 7, name: string | null = null): CronEntry => ({
  id,
  name,
  schedule: '0 0 1 * *',
  command,
})
const dropOlder = (age: string) => entry(`call drop_old_time_partitions('t', ${age})`, 7, 'purge')

const run = (status: string, startedAt: string, message: string | null = null): CronRun => ({
  id: 7,
  status,
  startedAt,
  endedAt: status === 'running' ? null : startedAt,
  message,
})

async function statusOf(command: CronEntry, alive = true, lastRun: CronRun | null = null) {
  const policies = await cronPolicies([command], [table])
  return policies.map((policy) => cronStatus({...policy, lastRun}, snapshot, alive))
}

describe('a policy that an entry of pg_cron runs with a function of Citus', () => {
  it('has what is due counted from the partitions, and is not known to be late', async () => {
    const [status] = await statusOf(dropOlder("now() - interval '3 months'"))
    // The partitions of January and February ended before 15 March.
    expect(status).toMatchObject({
      kind: 'retention',
      runner: 'pg_cron',
      runnerAlive: true,
      gated: false,
      managed: false,
      live: {after: '3 months', cronEntry: 'purge', cronSchedule: '0 0 1 * *'},
      due: 2,
      ok: null,
    })
    expect(status!.notDone!.map(({chunk, since}) => [chunk, since])).toEqual([
      ['public.t_p2026_01', '2026-05-01T00:00:00Z'],
      ['public.t_p2026_02', '2026-06-01T00:00:00Z'],
    ])
    expect(status!.problems.map(({code}) => code)).toEqual(['unknown'])
  })

  // January fell due on 1 May, February on 1 June.
  it.each([
    ['after both were due', 'succeeded', '2026-06-02T00:00:00Z', false, ['not_done'], '2 partitions are due'],
    ['after the first was due', 'succeeded', '2026-05-10T00:00:00Z', false, ['not_done'], '1 partition is due'],
    [
      'at the moment when the first was due',
      'succeeded',
      '2026-05-01T00:00:00Z',
      false,
      ['not_done'],
      '1 partition is',
    ],
    ['before they were due', 'succeeded', '2026-04-30T00:00:00Z', null, ['unknown'], 'it last ran at 2026-04-30'],
    [
      'after they were due and failed',
      'failed',
      '2026-06-02T00:00:00Z',
      false,
      ['not_done', 'last_error'],
      'did not process them',
    ],
    ['after they were due and still runs', 'running', '2026-06-02T00:00:00Z', null, ['unknown'], 'not known'],
  ])('is judged by the last run: one that began %s', async (_, status, startedAt, ok, codes, words) => {
    const [found] = await statusOf(
      dropOlder("now() - interval '3 months'"),
      true,
      run(status, startedAt, 'ERROR:  canceling statement due to lock timeout'),
    )
    expect(found).toMatchObject({ok, lastStatus: status, lastRunAt: startedAt, nextRunAt: null})
    expect(found!.problems.map(({code}) => code)).toEqual(codes)
    expect(found!.findings[0]).toContain(words)
    expect(found!.lastError?.message ?? null).toBe(
      status === 'failed' ? 'ERROR:  canceling statement due to lock timeout' : null,
    )
  })

  it('is done when nothing is due', async () => {
    const [status] = await statusOf(dropOlder("now() - interval '6 months'"))
    expect(status).toMatchObject({due: 0, notDone: [], ok: true, problems: []})
  })

  it('has nothing known of its work if its age is not known', async () => {
    const [status] = await statusOf(dropOlder("date_trunc('month', now()) - interval '3 months'"))
    expect(status).toMatchObject({due: null, notDone: null, ok: null, live: {after: null}})
    expect(status!.findings).toEqual([expect.stringMatching(/^not known: entry purge of pg_cron/)])
  })

  it('is reported as not running while the scheduler is not running', async () => {
    const [status] = await statusOf(dropOlder("now() - interval '6 months'"), false)
    expect(status!.problems.map(({code}) => code)).toEqual(['runner_not_running'])
  })

  it('compresses what is older than its age', async () => {
    const command = "call alter_old_partitions_set_access_method('public.t', now() - interval '1 month', 'columnar')"
    const [status] = await statusOf(entry(command))
    // Ended before 15 May: January to April.
    expect(status).toMatchObject({kind: 'compression', due: 4, live: {after: '1 month', cronEntry: '7'}})
    expect(status!.notDone!.every(({code}) => code === 'never_compressed')).toBe(true)
  })

  it('is not one for an entry of another table or that creates partitions', async () => {
    expect(await statusOf(entry("call drop_old_time_partitions('other.t', now() - interval '1 month')"))).toEqual([])
    expect(await statusOf(entry("select create_time_partitions('t', '1 month', now() + '12 months')"))).toEqual([])
  })

  it('is named by doctor with its aggregates and the statement that removes the entry', async () => {
    const hourly = newTable({
      kind: 'aggregate',
      schema: 'public',
      name: 'hourly',
      relation: 2,
      timeColumn: 'time',
      time: 'timestamptz',
      aggregate: {source: table, watermark: null, bucketWidth: null, variableBuckets: false},
    })
    const findings = async (age: string) =>
      (await cronPolicies([dropOlder(age)], [table])).map((policy) => ungatedEntry(policy, [table, hourly]))
    expect(await findings("now() - interval '3 months'")).toEqual([
      {
        severity: 'warning',
        object: {schema: 'public', table: 't'},
        message: expect.stringMatching(
          /^A retention of 3 months is run by entry purge of pg_cron: .* whether hourly has .*--after '3 months'/,
        ),
        data: {cronEntry: 7, after: '3 months', aggregates: ['public.hourly']},
        fix: {kind: 'sql', text: 'select cron.unschedule(7)'},
      },
    ])
    const [unknown] = await findings("timestamptz '2026-01-01'")
    expect(unknown).toMatchObject({data: {after: null}, message: expect.not.stringContaining('--after')})
  })
})
