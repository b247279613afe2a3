import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {UnassignedRow} from '../../../src/schedule/audit-pg-cron.js'
import {
  auditJob,
  auditProblems,
  type AuditedVersion,
  type AuditInput,
  type AuditRow,
} from '../../../src/schedule/audit.js'

const at = (text: string) => Date.parse(`2026-01-01T${text}:00Z`)
const clock = (instant: number) => new Date(instant).toISOString().slice(11, 16)
const hourly: AuditedVersion = {
  revision: 1,
  validFrom: at('00:30'),
  state: 'active',
  runner: 'daemon',
  schedule: '0 * * * *',
  timezone: 'UTC',
  actor: 'ada',
  reason: null,
}
const row = (time: string, status = 'done', reason: string | null = null): AuditRow => ({
  scheduledAt: at(time),
  status,
  reason,
  abandoned: false,
  attempts: 1,
})
const cronRun = (time: string, over: Partial<UnassignedRow> = {}): UnassignedRow => ({
  startedAt: at(time) + 1_000,
  completedAt: at(time) + 2_000,
  status: 'done',
  reason: null,
  part: null,
  byCron: true,
  ...over,
})
const audit = (over: Partial<AuditInput>) =>
  auditJob({
    job: 'j',
    versions: [hourly],
    lastAt: at('04:00'),
    running: false,
    from: at('00:30'),
    now: at('04:30'),
    rows: [],
    unassigned: [],
    cronGrace: 120_000,
    ...over,
  })

describe('an audit', () => {
  it('is clean if every due time of the schedule has one row', () => {
    const result = audit({
      rows: [row('01:00'), row('02:00', 'skipped', 'overlap'), row('03:00', 'done_late'), row('04:00', 'failed')],
    })
    expect(result).toMatchObject({
      instants: 4,
      gaps: [],
      duplicates: [],
      unexpected: [],
      waiting: [],
      byStatus: {done: 1, 'skipped: overlap': 1, done_late: 1, failed: 1},
      counts: {done: 2, late: 1, failed: 1, running: 0, skipped: 1, skippedBy: {overlap: 1}},
    })
    expect(auditProblems(result, 60_000)).toBe(0)
  })

  it('finds a due time without a row, one with two, a row at no due time, and a claim whose daemon is gone', () => {
    const result = audit({
      rows: [row('01:00'), row('01:10'), row('02:00'), row('02:00'), {...row('04:00', 'running'), abandoned: true}],
    })
    expect({
      gaps: result.gaps.map(clock),
      duplicates: result.duplicates.map(clock),
      unexpected: result.unexpected.map(clock),
      abandoned: result.abandoned.map(clock),
    }).toEqual({gaps: ['03:00'], duplicates: ['02:00'], unexpected: ['01:10'], abandoned: ['04:00']})
    expect(auditProblems(result, 60_000)).toBe(4)
  })

  it('counts a failed attempt as one that waits for the next, however long no daemon has started that', () => {
    const result = audit({
      rows: [row('01:00'), row('02:00'), row('03:00'), {...row('04:00', 'retry'), abandoned: true}],
    })
    expect({retrying: result.retrying.map(clock), abandoned: result.abandoned}).toEqual({
      retrying: ['04:00'],
      abandoned: [],
    })
    expect(auditProblems(result, 60_000)).toBe(1)
  })

  it('distinguishes a due time that has not started from a missing one, and allows it some time', () => {
    const result = audit({rows: [row('01:00'), row('02:00'), row('03:00')], lastAt: at('03:00')})
    expect([result.gaps, result.waiting.map(clock)]).toEqual([[], ['04:00']])
    expect([auditProblems(result, 60_000), auditProblems(result, 3_600_000)]).toEqual([1, 0])
    const running = audit({
      rows: [row('01:00'), row('02:00'), row('03:00', 'running')],
      lastAt: at('03:00'),
      running: true,
    })
    expect(running.waiting.map(clock)).toEqual(['04:00'])
    expect([auditProblems(running, 60_000), auditProblems(running, 60_000, true)]).toEqual([1, 0])
  })

  it('is not clean while a failed attempt waits for its retry, and counts every due time after it', () => {
    const result = audit({rows: [row('01:00'), row('02:00', 'retry')], lastAt: at('02:00')})
    expect({
      retrying: result.retrying.map(clock),
      waiting: result.waiting.map(clock),
      byStatus: result.byStatus,
      instants: result.instants,
    }).toEqual({retrying: ['02:00'], waiting: ['03:00', '04:00'], byStatus: {done: 1, retry: 1}, instants: 4})
    expect(auditProblems(result, 86_400_000)).toBe(1)
  })

  it('counts a released occurrence as waiting, not as failed, and as overdue after some time', () => {
    const given = {...row('04:00', 'retry'), attempts: 0}
    const result = audit({rows: [row('01:00'), row('02:00'), row('03:00'), given], lastAt: at('04:00')})
    expect([result.retrying, result.released.map(clock), result.gaps]).toEqual([[], ['04:00'], []])
    expect([auditProblems(result, 60_000), auditProblems(result, 3_600_000)]).toEqual([1, 0])
  })

  it('uses the schedule in force at the time, and names who paused a job', () => {
    const versions: AuditedVersion[] = [
      hourly,
      {...hourly, revision: 2, validFrom: at('01:30'), state: 'paused', reason: 'release'},
      {...hourly, revision: 3, validFrom: at('03:15'), actor: 'bob'},
      {...hourly, revision: 4, validFrom: at('04:05'), schedule: '15 * * * *'},
    ]
    const result = audit({versions, rows: [row('01:00'), row('04:00'), row('04:15')], lastAt: at('04:15')})
    expect(result).toMatchObject({instants: 3, gaps: [], unexpected: []})
    expect(result.notes).toEqual([
      'paused since 2026-01-01 01:30 UTC by ada: release',
      'resumed 2026-01-01 03:15 UTC by bob',
      '"15 * * * *" UTC since 2026-01-01 04:05 UTC, was "0 * * * *" UTC (ada)',
    ])
  })

  it('assigns a run of pg_cron to the due time before its start, and finds the ones it missed', () => {
    const versions: AuditedVersion[] = [{...hourly, runner: 'pg_cron'}]
    const run = (time: string, byCron = true) => cronRun(time, {byCron})
    const result = audit({versions, lastAt: at('00:30'), unassigned: [run('01:00'), run('02:20', false), run('04:00')]})
    expect([result.gaps.map(clock), result.duplicates, result.byStatus]).toEqual([
      ['02:00', '03:00'],
      [],
      {'done by pg_cron': 2},
    ])
    expect(audit({versions, lastAt: at('00:30'), now: at('01:01'), unassigned: []})).toMatchObject({
      gaps: [],
      waiting: [at('01:00')],
    })
    expect(
      audit({
        rows: [row('01:00'), row('02:00'), row('03:00'), row('04:00')],
        unassigned: [run('02:00')],
      }).duplicates.map(clock),
    ).toEqual(['02:00'])
  })

  it("requires a run of every part of a job that pg_cron runs in parts, and does not count the daemon's skipped rows as runs", () => {
    const versions: AuditedVersion[] = [
      {...hourly, runner: 'pg_cron', commands: {'public.a': 'call a', 'public.b': 'call b'}},
    ]
    const marks = ['01:00', '02:00', '03:00', '04:00'].map((time) => row(time, 'skipped', 'enforced by pg_cron'))
    const unassigned = [
      ...['01:00', '02:00', '03:00', '04:00'].map((time) => cronRun(time, {part: 'public.a'})),
      ...['01:00', '03:00', '04:00'].map((time) => cronRun(time, {part: 'public.b', status: 'failed'})),
    ]
    const result = audit({versions, rows: marks, unassigned})
    expect([result.gaps.map(clock), result.duplicates, result.unexpected, result.byStatus]).toEqual([
      ['02:00'],
      [],
      [],
      {'done by pg_cron': 4, 'failed by pg_cron': 3, 'skipped: enforced by pg_cron': 4},
    ])
  })

  it('recognises a run that waited for the previous one, and one that ran twice', () => {
    const versions: AuditedVersion[] = [{...hourly, runner: 'pg_cron'}]
    const long = cronRun('01:00', {completedAt: at('03:20')})
    const queued = [
      {...cronRun('03:20'), completedAt: at('03:21')},
      {...cronRun('03:21'), completedAt: at('03:22')},
    ]
    expect(audit({versions, unassigned: [long, ...queued, cronRun('04:00')]})).toMatchObject({
      gaps: [],
      duplicates: [],
      byStatus: {'done by pg_cron': 4},
      counts: {done: 4, late: 0, skipped: 0},
    })
    expect(audit({versions, unassigned: [{...long, completedAt: null, status: 'running'}]})).toMatchObject({
      gaps: [],
      waiting: [],
    })
    const twice = audit({
      versions,
      unassigned: ['01:00', '02:00', '02:01', '03:00', '04:00'].map((time) => cronRun(time)),
    })
    expect([twice.gaps, twice.duplicates.map(clock)]).toEqual([[], ['02:00']])
  })

  it('finds a run of pg_cron at no due time, also if nothing was due at all', () => {
    const sundays: AuditedVersion = {...hourly, runner: 'pg_cron', schedule: '0 5 * * 0'}
    const odd = audit({versions: [sundays], unassigned: [cronRun('03:40')]})
    expect([odd.instants, odd.unexpected.map(clock), auditProblems(odd, 60_000)]).toEqual([0, ['03:40'], 1])
    const before = audit({
      versions: [{...hourly, runner: 'pg_cron'}],
      unassigned: ['00:40', '01:00', '02:00', '03:00', '04:00'].map((time) => cronRun(time)),
    })
    expect([before.unexpected.map(clock), before.gaps, before.duplicates]).toEqual([['00:40'], [], []])
    const cut = audit({
      versions: [{...hourly, runner: 'pg_cron', validFrom: at('00:00')}],
      unassigned: ['00:40', '01:00', '02:00', '03:00', '04:00'].map((time) => cronRun(time)),
    })
    expect(cut.unexpected).toEqual([])
    expect(audit({versions: [{...sundays, runner: 'daemon'}], unassigned: [cronRun('03:40')]}).unexpected).toEqual([])
  })

  it('does not count a call that found the job paused or run by daemons as one of its runs', () => {
    const versions: AuditedVersion[] = [{...hourly, runner: 'pg_cron'}]
    const result = audit({
      versions,
      unassigned: [
        cronRun('01:00'),
        cronRun('02:00', {status: 'skipped', reason: 'paused'}),
        cronRun('03:00', {status: 'skipped', reason: 'overlap'}),
        cronRun('04:00'),
      ],
    })
    expect([result.gaps.map(clock), result.byStatus]).toEqual([
      ['02:00'],
      {'done by pg_cron': 2, 'skipped: overlap by pg_cron': 1},
    ])
  })

  it('finds exactly the rows that were removed or added', () => {
    const instants = Array.from({length: 48}, (_, index) => at('00:30') + (index + 0.5) * 3_600_000)
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({min: 0, max: 47}), {maxLength: 10}),
        fc.uniqueArray(fc.integer({min: 0, max: 47}), {maxLength: 5}),
        fc.uniqueArray(fc.integer({min: 1, max: 2_000}), {maxLength: 5}),
        (gone, twice, odd) => {
          const rows = [
            ...instants.filter((_, index) => !gone.includes(index)),
            ...twice.filter((index) => !gone.includes(index)).map((index) => instants[index]!),
            ...odd.map((minute) => at('00:30') + minute * 61_000).filter((instant) => instant % 3_600_000 !== 0),
          ]
            .sort((a, b) => a - b)
            .map((scheduledAt) => ({scheduledAt, status: 'done', reason: null, abandoned: false, attempts: 1}))
          const result = audit({rows, lastAt: instants.at(-1)!, now: instants.at(-1)! + 60_000})
          expect(result.gaps).toEqual(gone.map((index) => instants[index]!).sort((a, b) => a - b))
          expect(result.duplicates).toEqual(
            twice
              .filter((index) => !gone.includes(index))
              .map((index) => instants[index]!)
              .sort((a, b) => a - b),
          )
          expect(result.unexpected).toHaveLength(rows.filter(({scheduledAt}) => scheduledAt % 3_600_000 !== 0).length)
        },
      ),
    )
  })
})
