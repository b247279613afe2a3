import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {diff} from '../../../src/policies/plan/diff.js'
import {desiredStateOf} from '../../../src/policies/plan/desired.js'
import type {Problem} from '../../../src/policies/plan/problem.js'
import {bareRule} from '../../../src/policies/kinds/rules.js'
import {project} from '../../../src/policies/plan/project.js'
import type {Declared} from '../../../src/policies/declared/declared.js'
import type {Offset} from '../../../src/catalog/live-policies.js'
import type {LiveRule, TableState} from '../../../src/policies/table-state.js'
import type {Duration} from '../../../src/units/duration.js'
import {days, declare} from '../../helpers/policies.js'

const columns = ['time', 'id', 'exchange', 'x desc', 'a "b"', 'wide nulls last']
const span: fc.Arbitrary<Duration> = fc.oneof(
  fc.record({months: fc.integer({min: 1, max: 48}), days: fc.integer({min: 0, max: 40}), seconds: fc.constant(0)}),
  fc.record({
    months: fc.constant(0),
    days: fc.integer({min: 1, max: 800}),
    seconds: fc.constantFrom(0, 0.5, 1, 3_600, 90_061),
  }),
)
const fixed = span.map(({days: count, seconds}) => ({months: 0, days: count + 1, seconds}))
const indexes = ['by_id', 'Odd "one"']
const jobId = fc.integer({min: 1_000, max: 1_009})

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, {nil: null})
}

/** A live state that a database may have: each kind at most once, set by hand or by an older version of qicore-db. */
function states(scale: TableState['scale'], kind: 'hypertable' | 'aggregate'): fc.Arbitrary<TableState> {
  const offset: fc.Arbitrary<Offset> = scale === 'time' ? span : fc.bigInt({min: 1n, max: 10n ** 12n})
  const job = fc.record({id: jobId, scheduled: fc.boolean()})
  const order = fc.constantFrom('time desc', 'time', 'id desc', 'x desc desc', 'id nulls first')
  return fc
    .record({
      chunkInterval: fc.bigInt({min: 1n, max: 10n ** 13n}),
      compression: maybe(
        fc.record({
          segmentBy: maybe(fc.uniqueArray(fc.constantFrom('id', 'exchange', 'a "b"'))),
          orderBy: maybe(fc.uniqueArray(order, {minLength: 1})),
        }),
      ),
      compress: maybe(fc.record({job, after: offset, byCreation: fc.boolean()})),
      native: maybe(fc.record({job, after: offset})),
      gated: maybe(
        fc.record({
          job: maybe(job),
          after: maybe(span),
          maxDropPerRun: maybe(fc.integer({min: 1, max: 9})),
          consentValid: fc.boolean(),
          jobConsentMatches: fc.boolean(),
          duplicateJobs: fc.uniqueArray(fc.integer({min: 2_000, max: 2_003})),
        }),
      ),
      refresh: maybe(fc.record({job, startOffset: maybe(offset), endOffset: maybe(offset), schedule: span})),
      row: maybe(fc.record({startOffset: span, endOffset: span, schedule: span})),
      reorder: maybe(fc.record({job, index: fc.constantFrom(...indexes, 'dropped')})),
    })
    .map(({chunkInterval, compression, compress, native, gated, refresh, row, reorder}) => {
      const policies: LiveRule[] = []
      if (compress)
        policies.push({
          ...bareRule,
          kind: 'compression',
          by: 'timescaledb',
          job: compress.job,
          after: compress.byCreation ? null : compress.after,
          createdBefore: compress.byCreation ? days(3) : null,
        })
      if (native)
        policies.push({...bareRule, kind: 'retention', by: 'timescaledb', job: native.job, after: native.after})
      if (gated) {
        const {maxDropPerRun, consentValid, jobConsentMatches, duplicateJobs} = gated
        policies.push({
          ...bareRule,
          kind: 'retention',
          by: 'qicore',
          job: gated.job,
          after: gated.after,
          gate: {maxDropPerRun, consentValid, jobConsentMatches, duplicateJobs, timeUnit: null},
        })
      }
      if (refresh && kind === 'aggregate')
        policies.push({
          ...bareRule,
          kind: 'refresh',
          by: 'timescaledb',
          job: refresh.job,
          startOffset: refresh.startOffset,
          endOffset: refresh.endOffset,
          schedule: refresh.schedule,
        })
      if (reorder && kind === 'hypertable')
        policies.push({
          ...bareRule,
          kind: 'reorder',
          by: 'timescaledb',
          job: reorder.job,
          config: {index_name: reorder.index},
        })
      if (row && kind === 'aggregate') policies.push({...bareRule, kind: 'refresh', by: 'qicore', ...row})
      return {
        key: 'public.t',
        kind,
        native: true,
        scale,
        timeUnitAdvice: 'tables: {public.t: {timeUnit: ms}}',
        columns,
        indexes,
        timeColumn: 'time',
        chunkInterval,
        compression,
        policies,
      }
    })
}

function declarations(kind: 'hypertable' | 'aggregate'): fc.Arbitrary<Declared> {
  const none = fc.constant('none' as const)
  const order = fc.constantFrom(
    'time desc',
    'time',
    'TIME',
    'id DESC',
    'x desc desc',
    'id nulls first',
    'wide nulls last',
  )
  return fc
    .record({
      chunkInterval: fc.option(fixed, {nil: undefined}),
      compression: fc.option(
        fc.oneof(
          none,
          fc.record({
            after: fixed,
            segmentBy: maybe(fc.uniqueArray(fc.constantFrom('id', 'exchange', 'a "b"'), {minLength: 1})),
            orderBy: maybe(
              fc.uniqueArray(
                order.filter((text) => text !== 'TIME'),
                {minLength: 1},
              ),
            ),
          }),
        ),
        {nil: undefined},
      ),
      retention: fc.option(fc.oneof(none, fc.record({after: fixed, native: fc.boolean()})), {nil: undefined}),
      refresh: fc.option(fc.oneof(none, fc.record({startOffset: fixed, endOffset: fixed, every: span})), {
        nil: undefined,
      }),
      reorder: fc.option(fc.oneof(none, fc.record({index: fc.constantFrom(...indexes)})), {nil: undefined}),
    })
    .map((fields) => declare('public.t', {...fields, section: kind === 'aggregate' ? 'aggregates' : 'tables'}))
}

const cases = fc
  .record({
    kind: fc.constantFrom('hypertable' as const, 'aggregate' as const),
    scale: fc.constantFrom('time' as const, 'ms' as const, 'ns' as const),
  })
  .chain(({kind, scale}) =>
    fc.record({
      state: states(scale, kind),
      declared: declarations(kind),
      maxDropPerRun: fc.integer({min: 1, max: 9}),
      engine: fc.constantFrom('timescaledb' as const, 'apache' as const),
    }),
  )

describe('the difference between declared and live policies', () => {
  it('is empty after the changes were made, whatever was live before', () => {
    fc.assert(
      fc.property(cases, ({state, declared, maxDropPerRun, engine}) => {
        const options = {engine, maxDropPerRun}
        const problems: Problem[] = []
        // The Apache edition has no jobs of TimescaleDB.
        const before =
          engine === 'apache'
            ? {
                ...state,
                policies: state.policies
                  .filter(({by}) => by === 'qicore')
                  .map((rule) => ({...rule, job: null, gate: rule.gate && {...rule.gate, duplicateJobs: []}})),
              }
            : state
        const changes = diff(desiredStateOf(declared, before, problems), options, problems)
        const after = project(before, changes)
        const again = diff(desiredStateOf(declared, after, problems), options, problems)
        expect(problems).toEqual([])
        expect(again).toEqual([])
      }),
      {numRuns: 2_000},
    )
  })

  it('leaves kinds that are not declared unchanged', () => {
    fc.assert(
      fc.property(cases, ({state, maxDropPerRun, engine}) => {
        const problems: Problem[] = []
        expect(
          diff(desiredStateOf(declare('public.t', {}), state, problems), {engine, maxDropPerRun}, problems),
        ).toEqual([])
        expect(problems).toEqual([])
      }),
    )
  })

  it('keeps an existing job and never creates a second one', () => {
    fc.assert(
      fc.property(cases, ({state, declared, maxDropPerRun}) => {
        const problems: Problem[] = []
        for (const change of diff(
          desiredStateOf(declared, state, problems),
          {engine: 'timescaledb', maxDropPerRun},
          problems,
        )) {
          if (change.do !== 'compression' && change.do !== 'refresh') continue
          const live = state.policies.find(({kind, by}) => kind === change.do && by === 'timescaledb')
          expect(change.job).toBe(live?.job?.id ?? null)
        }
      }),
    )
  })

  it('reports every mistake of a declaration with its place', () => {
    const problems: Problem[] = []
    const state: TableState = {
      key: 'public.t',
      kind: 'hypertable',
      native: true,
      scale: 'ms',
      timeUnitAdvice: 'tables: {public.t: {timeUnit: ms}}',
      columns,
      timeColumn: 'time',
      chunkInterval: 1n,
      compression: null,
      policies: [],
    }
    const declared = declare('public.t', {
      compression: {after: {months: 1, days: 0, seconds: 0}, segmentBy: ['nope', 'id'], orderBy: ['time dsec']},
      retention: {after: {months: 24, days: 0, seconds: 0}, native: false},
    })
    diff(desiredStateOf(declared, state, problems), {engine: 'timescaledb', maxDropPerRun: 8}, problems)
    expect(problems.map(({code, message}) => `${code} ${message.split(':')[0]}`)).toEqual([
      'DURATION tables.public.t.compression.after',
      'NO_SUCH_COLUMN tables.public.t.compression.segmentBy',
      'NO_SUCH_COLUMN tables.public.t.compression.orderBy',
      'DURATION tables.public.t.retention.after',
    ])
    expect(desiredStateOf(declared, {...state, scale: 'unknown'}, []).policies.has('retention')).toBe(false)
  })

  it('recreates the job of a gated retention if it was created for another confirmed policy', () => {
    const gate = {maxDropPerRun: 8, timeUnit: null, consentValid: true, jobConsentMatches: true, duplicateJobs: []}
    const rule: LiveRule = {
      ...bareRule,
      kind: 'retention',
      by: 'qicore',
      job: {id: 1_000, scheduled: true},
      after: days(30),
      gate,
    }
    const state: TableState = {
      key: 'public.t',
      kind: 'hypertable',
      native: true,
      scale: 'time',
      timeUnitAdvice: 'tables: {public.t: {timeUnit: ms}}',
      columns,
      timeColumn: 'time',
      chunkInterval: 1n,
      compression: null,
      policies: [rule],
    }
    const declared = declare('public.t', {retention: {after: days(30), native: false}})
    const changes = (jobConsentMatches: boolean) =>
      diff(
        desiredStateOf(declared, {...state, policies: [{...rule, gate: {...gate, jobConsentMatches}}]}, []),
        {engine: 'timescaledb', maxDropPerRun: 8},
        [],
      )
    expect(changes(true)).toEqual([])
    expect(changes(false)).toMatchObject([
      {do: 'gated retention', job: 1_000, why: ['its job was created for another confirmed policy']},
    ])
  })

  it('refuses to choose between two live policies of one kind', () => {
    const problems: Problem[] = []
    const rule: LiveRule = {
      ...bareRule,
      kind: 'refresh',
      by: 'timescaledb',
      job: {id: 1_000, scheduled: true},
      startOffset: days(3),
      endOffset: days(1),
      schedule: days(1),
    }
    const state: TableState = {
      key: 'public.v',
      kind: 'aggregate',
      native: true,
      scale: 'time',
      timeUnitAdvice: 'tables: {public.t: {timeUnit: ms}}',
      columns,
      timeColumn: 'time',
      chunkInterval: 1n,
      compression: null,
      policies: [rule, {...rule, job: {id: 1_001, scheduled: true}}],
    }
    const declared = declare('public.v', {
      section: 'aggregates',
      refresh: {startOffset: days(3), endOffset: days(1), every: days(1)},
    })
    expect(
      diff(desiredStateOf(declared, state, problems), {engine: 'timescaledb', maxDropPerRun: 8}, problems),
    ).toEqual([])
    expect(problems).toMatchObject([
      {
        code: 'POLICY_TWICE',
        message: 'public.v has 2 refresh policies (jobs 1000, 1001), and a declaration describes one.',
      },
    ])
  })
})
