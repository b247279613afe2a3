import fc from 'fast-check'
import {expect, it} from 'vitest'
import {columnarChange, columnarState} from '../../../src/policies/kinds/columnar.js'
import {compression} from '../../../src/policies/kinds/compression.js'
import {bareRule} from '../../../src/policies/kinds/rules.js'
import type {DiffContext} from '../../../src/policies/kinds/kind.js'
import type {LiveRule, TableState} from '../../../src/policies/table-state.js'
import {parseDuration} from '../../../src/units/duration.js'

const set: TableState = {
  key: 'public.ticks',
  kind: 'partitioned',
  native: false,
  scale: 'time',
  timeUnitAdvice: '',
  columns: ['time', 'symbol'],
  timeColumn: 'time',
  chunkInterval: null,
  compression: null,
  policies: [],
}
const contextOf = (state: TableState): DiffContext => ({
  state,
  rules: state.policies,
  engine: 'citus',
  scheduled: false,
  maxDropPerRun: 8,
  problems: [],
})
const age = fc.constantFrom('1 year', '6 months').map(parseDuration)
const wanted = fc.record({
  after: age,
  every: fc.option(age, {nil: undefined}),
  segmentBy: fc.option(fc.constant(['symbol']), {nil: null}),
  orderBy: fc.option(fc.constant(['time desc']), {nil: null}),
  allowUpdates: fc.option(fc.boolean(), {nil: undefined}),
})
const live = fc.record({after: age, allowUpdates: fc.option(fc.boolean(), {nil: undefined})})

const stateWith = (rule: {after: LiveRule['after']; allowUpdates?: boolean | undefined} | null): TableState => {
  if (rule === null) return set
  const {after, allowUpdates} = rule
  const policy: LiveRule = {
    ...bareRule,
    kind: 'compression',
    by: 'qicore',
    after,
    ...(allowUpdates !== undefined && {allowUpdates}),
  }
  return {...set, compression: {segmentBy: null, orderBy: null}, policies: [policy]}
}

it('a columnar policy differs no more after its change, and keeps allowUpdates where it is not declared', () => {
  fc.assert(
    fc.property(wanted, fc.option(live), (desired, before) => {
      const state = stateWith(before)
      const [change] = columnarChange(desired, contextOf(state))
      const after = change === undefined ? state : columnarState(state, change)
      expect(columnarChange(desired, contextOf(after))).toEqual([])
      expect(after.policies[0]?.allowUpdates ?? false).toBe(desired.allowUpdates ?? before?.allowUpdates ?? false)
    }),
  )
})

it('an import declares allowUpdates only where the policy has it', () => {
  const imported = (allowUpdates: boolean) => {
    const state = stateWith({after: parseDuration('1 year'), allowUpdates})
    return compression.toConfig(state.policies[0]!, state)
  }
  expect(imported(true)).toEqual({value: {after: '1 year', allowUpdates: true}})
  expect(imported(false)).toEqual({value: {after: '1 year'}})
})

it('allowUpdates is said to have no effect on a hypertable', () => {
  const rule = {after: parseDuration('1 year'), segmentBy: null, orderBy: null, allowUpdates: true}
  expect(compression.remarks!(rule, {kind: 'hypertable', native: true, engine: 'timescaledb'})).toEqual([
    expect.stringContaining('allowUpdates has no effect here'),
  ])
  expect(compression.remarks!(rule, {kind: 'partitioned', native: false, engine: 'citus'})).toEqual([])
})
