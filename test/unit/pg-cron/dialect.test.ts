import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {jobsOf, jobsSchema} from '../../../src/config/jobs.js'
import {toPgCronSyntax, obstacles} from '../../../src/pg-cron/dialect.js'
import {scheduleHazards} from '../../../src/pg-cron/schedule-hazards.js'
import {hasOurName, isOurs, entryName} from '../../../src/pg-cron/names.js'
import {job} from '../../helpers/daemon-jobs.js'

const now = Date.parse('2026-01-01T00:00:00Z')
const why = (
  given: Record<string, unknown>,
  version = '1.4',
  timezone: string | null = 'GMT',
  matchesBothDays = false,
) => obstacles(job('j', given), {version, library: null, timezone, matchesBothDays}, now)

describe('what pg_cron can run', () => {
  it('is five fields in its own time zone, written in numbers', () => {
    expect(toPgCronSyntax('@daily')).toBe('0 0 * * *')
    expect(toPgCronSyntax('15 6 ? jan,DEC mon-fri')).toBe('15 6 * 1,12 1-5')
    expect(toPgCronSyntax('*/5 0-8/2 1,15 * *')).toBe('*/5 0-8/2 1,15 * *')
    expect(why({schedule: '15 6 * jan mon-fri'})).toEqual([])
    expect(why({schedule: '0 3 L * *'}, '1.6')).toEqual([])
    expect(toPgCronSyntax('0 3 L * *')).toBe('0 3 $ * *')
  })

  it.each([
    [{schedule: '0 0 2 * * *'}, '"0 0 2 * * *" has seconds, but pg_cron schedules by the minute'],
    [{schedule: '0 3 L * *'}, '"0 3 L * *" has "L", which pg_cron 1.4 does not support'],
    [{schedule: '0 3 15W * *'}, '"0 3 15W * *" has "15W", which pg_cron 1.4 does not support'],
    [{schedule: '0 3 * * mon#2'}, '"0 3 * * mon#2" has "mon#2", which pg_cron does not support'],
    [
      {schedule: '0 3 */2 * mon'},
      '"0 3 */2 * mon" has a step in one of two day fields, which pg_cron interprets differently',
    ],
    [{timezone: 'Europe/Berlin'}, 'its timezone is Europe/Berlin, but pg_cron uses GMT'],
    [{window: '01:00-05:00'}, 'pg_cron has no window'],
    [{timeout: '2h'}, 'pg_cron has no timeout'],
    [{retries: 3}, 'pg_cron has no retries'],
    [{catchUp: 'all'}, 'pg_cron has no catchUp'],
    [{overlap: 'skip'}, 'pg_cron has no overlap'],
    [{jitter: '10s'}, 'pg_cron has no jitter'],
    [{transaction: 'none', statement: 'vacuum'}, '"transaction: none" cannot be recorded in the same transaction'],
    [
      {statement: "select current_setting('qicore.scheduled_at')"},
      'its statement reads qicore.scheduled_at, which is not set under pg_cron',
    ],
  ])('does not include %j, and the reason names the setting', (given, reason) => {
    expect(why(given)).toEqual([reason])
  })

  it('includes settings that equal its behaviour: one attempt, no catching up, runs that queue', () => {
    expect(why({retries: 0, backoff: '1min', catchUp: 'none', overlap: 'queue', lateAfter: '5min'})).toEqual([])
    const [byDefault] = jobsOf(jobsSchema.parse({})).filter(({name}) => name === 'maintain')
    expect(
      obstacles(byDefault!, {version: '1.3', library: null, timezone: 'GMT', matchesBothDays: false}, now),
    ).toEqual([])
  })

  it('is no schedule that a defect of its library runs at other times', () => {
    const defects = (schedule: string, from: string, to: string | null) =>
      obstacles(
        job('j', {schedule}),
        {version: '1.6', library: {from, to}, timezone: 'GMT', matchesBothDays: false},
        now,
      )
    const aDayEarly = [expect.stringMatching(/^pg_cron has the defect pg_cron-292: .*https:/)]
    expect(defects('0 3 1 * *', '1.6.0', '1.6.1')).toEqual(aDayEarly)
    expect(defects('@weekly', '1.6.0', '1.6.0')).toEqual(aDayEarly)
    expect(defects('0 3 L * *', '1.6.1', '1.6.1')).toEqual(aDayEarly)
    expect(defects('@daily', '1.6.0', '1.6.0')).toEqual([])
    // It may have the defect: a note, and no obstacle.
    expect(defects('0 3 1 * *', '1.6.0', null)).toEqual([])
    expect(scheduleHazards('0 3 1 * *', {from: '1.6.0', to: null})).toMatchObject([
      {hazard: {id: 'pg_cron-292'}, certainty: 'possible'},
    ])
    expect(defects('9,19 * * * *', '1.5.0', '1.5.0')).toEqual([expect.stringContaining('pg_cron-239')])
    expect(defects('0 9 * * *', '1.5.0', '1.5.0')).toEqual([])
    expect(scheduleHazards('5 seconds', {from: '1.5.0', to: '1.5.0'})).toEqual([])
    expect(scheduleHazards('@reboot', {from: '1.5.0', to: null})).toEqual([])
  })

  it('joins two day fields by the setting cron.match_dom_and_dow', () => {
    const both = (schedule: string, on: boolean) => why({schedule}, '1.6', 'GMT', on)
    for (const schedule of ['0 5 1-7 * 0', '0 5 L * 1']) {
      expect(both(schedule, false), schedule).toEqual([])
      expect(both(schedule, true), schedule).toEqual([
        `"${schedule}" matches the day of the month or the weekday, but pg_cron requires both (cron.match_dom_and_dow is on)`,
      ])
    }
    for (const schedule of ['0 5 L * *', '0 3 1 * *', '0 3 * * 1']) expect(both(schedule, true), schedule).toEqual([])
  })

  it('follows cron.timezone from 1.5 on, with any name of UTC', () => {
    expect(why({timezone: 'Europe/Berlin'}, '1.6', 'Europe/Berlin')).toEqual([])
    expect(why({timezone: 'UTC'}, '1.6', 'Europe/Berlin')).toEqual([
      'its timezone is UTC, but pg_cron uses Europe/Berlin (cron.timezone)',
    ])
    for (const zone of ['UTC', 'Etc/UTC', 'Atlantic/Reykjavik']) expect(why({timezone: zone}), zone).toEqual([])
  })
})

describe('the name of a pg_cron entry', () => {
  const text = fc.string({unit: 'grapheme', minLength: 1, maxLength: 90})

  it('fits into pg_cron, begins with its database, and names one part of one job', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, text, text, async (database, name, part, other) => {
        const made = entryName(database, name, part)
        expect(Buffer.byteLength(made)).toBeLessThanOrEqual(63)
        expect(hasOurName(database, made)).toBe(true)
        if (other !== part) expect(entryName(database, name, other)).not.toBe(made)
        expect(await isOurs(database, {name: made, command: 'call qicore.refresh(1)'})).toBe(true)
      }),
    )
  })

  it('identifies an entry of qicore-db only together with its command', async () => {
    expect(entryName('market', 'refresh', 'public.daily_ohlcv_summary')).toBe(
      'qicore:market:refresh:public.daily_ohlcv_summary',
    )
    const command = 'call public.maintain_hypertables()'
    const maintain = 'qicore:market:maintain'
    expect(await isOurs('market', {name: maintain, command: ' CALL public . "maintain_hypertables"()'})).toBe(true)
    expect(await isOurs('market', {name: maintain, command: 'drop table t'})).toBe(false)
    expect(await isOurs('market', {name: maintain, command: `${command}; select pg_terminate_backend(1)`})).toBe(false)
    expect(await isOurs('market', {name: maintain, command: "select 'call qicore.refresh(1)'"})).toBe(false)
    expect(await isOurs('market', {name: 'qicore:market2:maintain', command})).toBe(false)
    expect(await isOurs('market', {name: 'hypertable-maintenance', command})).toBe(false)
    expect(await isOurs('market', {name: null, command})).toBe(false)
  })
})
