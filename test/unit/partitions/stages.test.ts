import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {addInterval} from '../../../src/catalog/interval.js'
import {epochMicros} from '../../../src/units/instant.js'
import {
  dueAt,
  dueTasks,
  sameStages,
  stagesJson,
  stagesOf,
  tasksOf,
  type Stages,
  type StageState,
} from '../../../src/partitions/retain/stages.js'

const micros = (text: string) => epochMicros(`${text}T00:00:00Z`)!
const months = (count: number) => ({months: count, days: 0, seconds: 0})

const age = fc.record({months: fc.nat(36), days: fc.nat(40), seconds: fc.nat(90_000)})
/** Whole days of 1990 to 2090, and times between them. */
const point = fc
  .record({day: fc.integer({min: 7300, max: 44000}), part: fc.nat(86_399_999)})
  .map(({day, part}) => BigInt(day) * 86_400_000_000n + BigInt(part) * 1000n)

const oneUnit = ({months: m, days, seconds}: {months: number; days: number; seconds: number}) => ({
  months: m,
  days: m > 0 ? 0 : days,
  seconds: m > 0 || days > 0 ? 0 : seconds,
})

const stages: fc.Arbitrary<Stages> = fc.record({
  detach: age,
  archive: fc.option(
    fc.record({
      after: age,
      schema: fc.option(fc.constantFrom('archive', 'cold')),
      tablespace: fc.option(fc.constantFrom('slow', 'pg_default')),
      export: fc.option(
        fc.constantFrom(
          {to: '/export', format: 'csv' as const},
          {to: 's3://b', format: 'parquet' as const, region: 'x'},
        ),
      ),
    }),
  ),
  drop: fc.option(age),
})

const state: fc.Arbitrary<StageState> = fc.record({
  end: fc.option(point),
  detached: fc.boolean(),
  counted: fc.boolean(),
  schema: fc.constantFrom('public', 'archive', 'cold'),
  tablespaces: fc.subarray(['slow', 'pg_default']),
  exported: fc.boolean(),
})

describe('the time from which a stage is due', () => {
  it('is the first day or instant at which the age reaches the end of the range', () => {
    expect(dueAt(micros('2026-01-31'), months(1))).toBe(micros('2026-03-01'))
    expect(dueAt(micros('2026-02-28'), months(1))).toBe(micros('2026-03-28'))
    expect(dueAt(micros('2024-02-29'), months(12))).toBe(micros('2025-03-01'))
    fc.assert(
      fc.property(point, age, (end, given) => {
        const at = dueAt(end, given)
        expect(addInterval(at, given, -1)).toBeGreaterThanOrEqual(end)
        // A day earlier it was not reached, except where the calendar has fewer days.
        expect(addInterval(at - 4n * 86_400_000_000n, given, -1)).toBeLessThan(end)
      }),
    )
  })
})

describe('the stages of a partition', () => {
  it('never drop it in the run that detaches it, before it is exported, or before its rows are counted', () => {
    fc.assert(
      fc.property(stages, state, point, (declared, given, now) => {
        const due = dueTasks(declared, given, now)
        if (!given.detached) expect(due.filter((task) => task !== 'detach')).toEqual([])
        const last = due.indexOf('drop')
        if (last === -1) return
        expect(last).toBe(due.length - 1)
        expect(due.includes('count')).toBe(!given.counted)
        expect(due.includes('export')).toBe(declared.archive?.export != null && !given.exported)
        expect(due).not.toContain('move')
      }),
    )
  })

  it('are due at the time that is announced, and never before', () => {
    fc.assert(
      fc.property(stages, state, point, (declared, given, now) => {
        for (const {task, at} of tasksOf(declared, given, now)) {
          const detached = {...given, detached: true}
          const later = task === 'detach' ? given : detached
          expect(dueTasks(declared, later, at).includes(task) || task === 'move').toBe(true)
          expect(dueTasks(declared, later, at - 1n)).not.toContain(task)
        }
      }),
    )
  })

  it('of a range without an end are never due', () => {
    fc.assert(
      fc.property(stages, state, point, (declared, given, now) => {
        expect(tasksOf(declared, {...given, end: null}, now)).toEqual([])
      }),
    )
  })
})

describe('the stages in a row of qicore.policies', () => {
  it('are read as they were written', () => {
    // A configuration writes an age in one unit.
    const isWritable = ({months: m, days: d, seconds: s}: {months: number; days: number; seconds: number}) =>
      [m, d, s].filter((part) => part > 0).length === 1
    const whole = stages
      .map(({detach, archive, drop}) => ({
        detach: oneUnit(detach),
        archive: archive && {...archive, after: oneUnit(archive.after)},
        drop: drop && oneUnit(drop),
      }))
      .filter(({detach, archive, drop}) =>
        [detach, archive?.after, drop].every((each) => each == null || isWritable(each)),
      )
    fc.assert(
      fc.property(whole, (declared) => {
        expect(sameStages(stagesOf(stagesJson(declared)), declared)).toBe(true)
      }),
    )
  })

  it('that were edited by hand and cannot be read are none', () => {
    expect(stagesOf({detach: '4 years', drop: 'soon'})).toBeNull()
    expect(stagesOf({after: '4 years'})).toBeNull()
    expect(stagesOf({detach: '4 years', archive: {schema: 'a'}})).toBeNull()
  })
})
