import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {dueTimes} from '../../../src/schedule/due-times.js'
import {inWindow, evaluateDue, type ScheduleVersion, type JobState} from '../../../src/schedule/due.js'
import {jitterOf} from '../../../src/schedule/jitter.js'
import {job} from '../../helpers/daemon-jobs.js'

const at = (text: string) => Date.parse(`2026-01-01T${text}Z`)
const hour = 3_600_000
const hourly: ScheduleVersion = {
  revision: 1,
  validFrom: at('00:30:00'),
  state: 'active',
  runner: 'daemon',
  schedule: '0 * * * *',
  timezone: 'UTC',
}
const state = (over: Partial<JobState> = {}): JobState => ({
  versions: [hourly],
  lastAt: at('00:30:00'),
  running: false,
  freeAt: null,
  ...over,
})
const clock = (instant: number) => new Date(instant).toISOString().slice(11, 16)
const decide = (given: Record<string, unknown>, ledger: JobState, now: number) => {
  const {decision} = evaluateDue(job('j', {schedule: '0 * * * *', ...given}), ledger, now)
  return (
    decision && {
      run: decision.run && clock(decision.run),
      skips: decision.skips.map(({at, reason}) => `${clock(at)} ${reason}`),
    }
  )
}

describe('what is due', () => {
  it('is nothing before the first due time after the schedule took effect', () => {
    expect(evaluateDue(job('j', {schedule: '0 * * * *'}), state(), at('00:59:59'))).toEqual({
      decision: null,
      wakeAt: at('01:00:00'),
      waitingSince: null,
    })
    expect(decide({}, state(), at('01:00:00'))).toEqual({run: '01:00', skips: []})
  })

  it('after downtime is the newest due time, and the others are recorded as superseded', () => {
    expect(decide({}, state(), at('04:10:00'))).toEqual({
      run: '04:00',
      skips: ['01:00 superseded', '02:00 superseded', '03:00 superseded'],
    })
  })

  it('with catchUp none excludes due times while no daemon ran', () => {
    expect(decide({catchUp: 'none'}, state(), at('03:30:00'))).toEqual({
      run: null,
      skips: ['01:00 missed', '02:00 missed', '03:00 missed'],
    })
    expect(decide({catchUp: 'none'}, state(), at('03:00:30'))).toEqual({
      run: '03:00',
      skips: ['01:00 missed', '02:00 missed'],
    })
  })

  it('is on time up to lateAfter, to the millisecond, and missed after that', () => {
    expect(decide({catchUp: 'none', lateAfter: '1min'}, state(), at('01:01:00'))).toEqual({run: '01:00', skips: []})
    expect(decide({catchUp: 'none', lateAfter: '1min'}, state(), at('01:01:00') + 1)).toEqual({
      run: null,
      skips: ['01:00 missed'],
    })
    const running = state({running: true, lastAt: at('00:30:00')})
    expect(decide({lateAfter: '1min'}, running, at('01:01:00'))).toEqual({run: null, skips: ['01:00 overlap']})
    expect(decide({lateAfter: '1min'}, running, at('01:01:00') + 1)).toBeNull()
  })

  it('has one row for every due time, in order, whatever the jitter and the time', () => {
    const minutely = {...hourly, schedule: '*/10 * * * * *', validFrom: at('00:00:00')}
    fc.assert(
      fc.property(
        fc.constantFrom('all', 'once', 'none'),
        fc.constantFrom('skip', 'queue'),
        fc.integer({min: 0, max: 60_000}),
        fc.integer({min: 0, max: 60_000}),
        fc.integer({min: 0, max: 300_000}),
        fc.boolean(),
        (catchUp, overlap, jitter, lateAfter, after, running) => {
          const due = {...job('j', {schedule: minutely.schedule, catchUp, overlap}), jitter, lateAfter}
          const ledger = state({versions: [minutely], lastAt: at('00:00:00'), running})
          const {decision} = evaluateDue(due, ledger, at('00:00:00') + after)
          if (decision === null) return
          const rows = [...decision.skips.map((skip) => skip.at), ...(decision.run === null ? [] : [decision.run])]
          expect(rows).toEqual([...dueTimes(minutely, ledger.lastAt, decision.to)])
        },
      ),
    )
  })

  it('with catchUp all is run one after another, up to the limit', () => {
    expect(decide({catchUp: 'all'}, state(), at('03:30:00'))).toEqual({run: '01:00', skips: []})
    expect(decide({catchUp: 'all', catchUpLimit: 2}, state(), at('04:30:00'))).toEqual({
      run: '03:00',
      skips: ['01:00 superseded', '02:00 superseded'],
    })
    expect(decide({catchUp: 'all'}, state({running: true, lastAt: at('01:00:00')}), at('03:30:00'))).toBeNull()
  })

  it('while the previous run continues is skipped if on time, and waits if it was missed', () => {
    expect(decide({}, state({running: true, lastAt: at('01:00:00')}), at('02:00:01'))).toEqual({
      run: null,
      skips: ['02:00 overlap'],
    })
    expect(decide({}, state({running: true, lastAt: at('01:00:00')}), at('02:30:00'))).toBeNull()
    expect(decide({catchUp: 'none'}, state({running: true, lastAt: at('01:00:00')}), at('03:00:10'))).toEqual({
      run: null,
      skips: ['02:00 missed', '03:00 overlap'],
    })
  })

  it('with overlap queue waits until the previous run has ended, and is not late because of that', () => {
    expect(decide({overlap: 'queue'}, state({running: true, lastAt: at('01:00:00')}), at('02:00:01'))).toBeNull()
    expect(
      decide(
        {overlap: 'queue', catchUp: 'none'},
        state({lastAt: at('01:00:00'), freeAt: at('02:40:00')}),
        at('02:40:01'),
      ),
    ).toEqual({run: '02:00', skips: []})
    expect(
      decide(
        {overlap: 'queue', catchUp: 'none'},
        state({lastAt: at('01:00:00'), freeAt: at('01:40:00')}),
        at('02:40:01'),
      ),
    ).toEqual({run: null, skips: ['02:00 missed']})
  })

  it('outside of its window is skipped', () => {
    expect(decide({window: '01:00-03:00'}, state(), at('02:05:00'))).toEqual({
      run: '02:00',
      skips: ['01:00 superseded'],
    })
    expect(decide({window: '01:00-03:00'}, state(), at('03:00:00'))).toEqual({
      run: null,
      skips: ['01:00 window', '02:00 window', '03:00 window'],
    })
  })

  it('starts later by its jitter, which is the same everywhere and smaller than the setting', () => {
    const jittered = job('j', {schedule: '0 * * * *', jitter: '10min'})
    const offset = jitterOf(jittered, at('01:00:00'))
    expect(offset).toBe(jitterOf(jittered, at('01:00:00')))
    expect(evaluateDue(jittered, state(), at('01:00:00') + offset - 1)).toMatchObject({
      decision: null,
      wakeAt: at('01:00:00') + offset,
    })
    expect(evaluateDue(jittered, state(), at('01:00:00') + offset).decision).toMatchObject({
      run: at('01:00:00'),
      dueAt: at('01:00:00') + offset,
    })
    const offsets = Array.from({length: 1_000}, (_, index) => jitterOf(jittered, at('01:00:00') + index * hour))
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...offsets)).toBeLessThan(600_000)
    expect(offsets.reduce((sum, one) => sum + one, 0) / 1_000).toBeGreaterThan(250_000)
  })

  it('of a paused or removed job is only what came before, and is recorded as such', () => {
    const paused: ScheduleVersion = {...hourly, revision: 2, validFrom: at('02:30:00'), state: 'paused'}
    expect(decide({}, state({versions: [hourly, paused]}), at('09:00:00'))).toEqual({
      run: null,
      skips: ['01:00 paused', '02:00 paused'],
    })
    expect(decide({}, state({versions: [hourly, {...paused, state: 'removed'}]}), at('09:00:00'))).toEqual({
      run: null,
      skips: ['01:00 removed', '02:00 removed'],
    })
    expect(evaluateDue(job('j'), state({versions: [hourly, paused], lastAt: at('02:00:00')}), at('09:00:00'))).toEqual({
      decision: null,
      wakeAt: null,
      waitingSince: null,
    })
    const resumed: ScheduleVersion = {...hourly, revision: 3, validFrom: at('05:30:00')}
    expect(
      decide({catchUp: 'all'}, state({versions: [hourly, paused, resumed], lastAt: at('02:00:00')}), at('07:00:00')),
    ).toEqual({run: '06:00', skips: []})
  })

  it('follows the schedule in force at the time', () => {
    const half: ScheduleVersion = {...hourly, revision: 2, validFrom: at('02:00:00'), schedule: '30 * * * *'}
    expect(decide({}, state({versions: [hourly, half]}), at('03:45:00'))).toEqual({
      run: '03:30',
      skips: ['01:00 superseded', '02:00 superseded', '02:30 superseded'],
    })
  })

  it('is recorded as skipped while pg_cron is the runner, and its next run makes up for what daemons missed', () => {
    const theirs: ScheduleVersion = {...hourly, revision: 2, validFrom: at('02:30:00'), runner: 'pg_cron'}
    expect(decide({}, state({versions: [{...hourly, runner: 'pg_cron'}]}), at('03:00:30'))).toEqual({
      run: null,
      skips: ['01:00 enforced by pg_cron', '02:00 enforced by pg_cron', '03:00 enforced by pg_cron'],
    })
    expect(decide({}, state({running: true, versions: [{...hourly, runner: 'pg_cron'}]}), at('01:00:30'))).toEqual({
      run: null,
      skips: ['01:00 enforced by pg_cron'],
    })
    expect(decide({}, state({versions: [hourly, theirs]}), at('04:00:30'))).toEqual({
      run: null,
      skips: ['01:00 superseded', '02:00 superseded'],
    })
    expect(decide({}, state({versions: [hourly, theirs], lastAt: at('02:00:00')}), at('04:00:30'))).toEqual({
      run: null,
      skips: ['03:00 enforced by pg_cron', '04:00 enforced by pg_cron'],
    })
    const back: ScheduleVersion = {...hourly, revision: 3, validFrom: at('04:30:00')}
    expect(decide({}, state({versions: [hourly, theirs, back], lastAt: at('03:00:00')}), at('05:00:30'))).toEqual({
      run: null,
      skips: ['04:00 enforced by pg_cron'],
    })
    expect(decide({}, state({versions: [hourly, theirs, back], lastAt: at('04:00:00')}), at('05:00:30'))).toEqual({
      run: '05:00',
      skips: [],
    })
  })

  it('includes since when an occurrence waits', () => {
    expect(
      evaluateDue(
        job('j', {schedule: '0 * * * *', overlap: 'queue'}),
        state({running: true, lastAt: at('01:00:00')}),
        at('03:30:00'),
      ).waitingSince,
    ).toBe(at('02:00:00'))
  })

  it('is recorded in several rounds after a long downtime of a job that runs every second', () => {
    const every: ScheduleVersion = {...hourly, schedule: '* * * * * *'}
    const round = evaluateDue(job('j', {schedule: '* * * * * *'}), state({versions: [every]}), at('09:00:00')).decision!
    expect(round.run).toBeNull()
    expect(round.skips).toHaveLength(2_000)
    expect(round.to).toBe(at('00:30:00') + 2_000_000)
  })

  it('accounts for every due time once and in order, in any sequence of events', () => {
    const options = fc.record({
      catchUp: fc.constantFrom('none', 'once', 'all'),
      overlap: fc.constantFrom('skip', 'queue'),
      catchUpLimit: fc.integer({min: 1, max: 5}),
      window: fc.constantFrom(undefined, '22:00-05:00', '00:00-12:00'),
      jitter: fc.constantFrom(undefined, '40s', '5min'),
    })
    const event = fc.record({
      wait: fc.integer({min: 1, max: 4 * hour}),
      does: fc.constantFrom('tick', 'tick', 'tick', 'end', 'pause', 'resume', 'reschedule'),
    })
    fc.assert(
      fc.property(
        options,
        fc.array(event, {maxLength: 60}),
        fc.constantFrom('UTC', 'Europe/Berlin'),
        ({window, jitter, ...rest}, events, timezone) => {
          const declared = job('j', {
            schedule: '*/10 * * * *',
            ...rest,
            ...(window && {window}),
            ...(jitter && {jitter}),
          })
          const start = Date.parse('2026-03-28T12:00:30Z')
          const versions: ScheduleVersion[] = [
            {revision: 1, validFrom: start, state: 'active', runner: 'daemon', schedule: '*/10 * * * *', timezone},
          ]
          const ledger: {-readonly [Key in keyof JobState]: JobState[Key]} = {
            versions,
            lastAt: start,
            running: false,
            freeAt: null,
          }
          const rows: number[] = []
          let now = start
          const change = (over: Partial<ScheduleVersion>) =>
            versions.push({
              ...versions.at(-1)!,
              revision: versions.length + 1,
              validFrom: Math.max(now, ledger.lastAt),
              ...over,
            })
          const tick = () => {
            for (;;) {
              const {decision} = evaluateDue(declared, ledger, now)
              if (decision === null) return
              rows.push(...decision.skips.map(({at}) => at), ...(decision.run === null ? [] : [decision.run]))
              if (decision.run !== null) {
                expect(ledger.running).toBe(false)
                expect(inWindow(declared.window, timezone, now)).toBe(true)
                ledger.running = true
              }
              expect(decision.dueAt).toBeLessThanOrEqual(now)
              ledger.lastAt = decision.to
            }
          }
          for (const {wait, does} of events) {
            now += wait
            if (does === 'tick') tick()
            if (does === 'end' && ledger.running) [ledger.running, ledger.freeAt] = [false, now]
            if (does === 'pause') change({state: 'paused'})
            if (does === 'resume') change({state: 'active'})
            if (does === 'reschedule') change({schedule: versions.length % 2 ? '*/7 * * * *' : '*/10 2-5 * * *'})
          }
          now += 4 * hour
          for (let round = 0; round < 200 && evaluateDue(declared, ledger, now).waitingSince !== null; round += 1) {
            ledger.running = false
            tick()
          }
          const expected = versions.flatMap((version, index) =>
            version.state === 'active'
              ? [...dueTimes(version, version.validFrom, Math.min(versions[index + 1]?.validFrom ?? Infinity, now))]
              : [],
          )
          expect(rows).toEqual(expected.filter((instant) => instant <= ledger.lastAt))
          // One after another: a due time that jitter puts before the previous one waits for it.
          let dueAt = -Infinity
          const due = expected.filter(
            (instant) => (dueAt = Math.max(dueAt, instant + jitterOf(declared, instant))) <= now,
          )
          expect(due.filter((instant) => instant > ledger.lastAt)).toEqual([])
        },
      ),
      {numRuns: 150},
    )
  }, 120_000)
})

describe('a window', () => {
  it('is a half-open range of local time that may cross midnight', () => {
    expect(inWindow(null, 'UTC', 0)).toBe(true)
    expect(inWindow('01:00-05:00', 'UTC', at('01:00:00'))).toBe(true)
    expect(inWindow('01:00-05:00', 'UTC', at('05:00:00'))).toBe(false)
    expect(inWindow('22:00-04:00', 'UTC', at('23:00:00'))).toBe(true)
    expect(inWindow('22:00-04:00', 'UTC', at('03:59:59'))).toBe(true)
    expect(inWindow('22:00-04:00', 'UTC', at('12:00:00'))).toBe(false)
    expect(inWindow('01:00-05:00', 'Europe/Berlin', at('00:30:00'))).toBe(true)
    expect(inWindow('23:00-24:00', 'UTC', at('23:59:59'))).toBe(true)
  })
})
