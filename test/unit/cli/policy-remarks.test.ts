import {expect, it} from 'vitest'
import {lineText} from '../../../src/cli/render/line-text.js'
import {policyRemarks, type PolicyRemarks} from '../../../src/cli/render/policy-remarks.js'

const linesOf = (remarks: Partial<PolicyRemarks>) =>
  policyRemarks({cutoffs: [], findings: [], unmanaged: [], notes: [], ...remarks}).map((line) => lineText(line, null))

const ungated = (table: string, job: number, refuses = false) => ({
  id: `ungated:${table}`,
  message: `TimescaleDB's own retention of ${table} (job ${job}) checks no aggregate`,
  effectiveFrom: '2026-11-29T00:00:00Z',
  suggestion: `tables: ${table}: { retention: { after: 90 days } }`,
  refuses,
})

it('findings that differ only in their table are printed once, with the other tables', () => {
  const first = [
    "  TimescaleDB's own retention of a.t1 (job 1) checks no aggregate. From 2026-11-29. [ungated:a.t1]",
    '    Safe: tables: a.t1: { retention: { after: 90 days } }',
  ]
  expect(linesOf({findings: [ungated('a.t1', 1), ungated('a.t2', 2), ungated('a.t3', 3)]})).toEqual([
    ...first,
    '    The same for a.t2, a.t3.',
  ])
  const later = {...ungated('a.t2', 2), effectiveFrom: '2026-12-01T00:00:00Z'}
  expect(linesOf({findings: [ungated('a.t1', 1), later]})).toHaveLength(4)
})

it('findings that refuse the plan are each printed, because each is accepted by its id', () => {
  const lines = linesOf({findings: [ungated('a.t1', 1, true), ungated('a.t2', 2, true)]})
  expect(lines.filter((line) => line.startsWith('!'))).toHaveLength(2)
})

it('up to five policies that are not declared are listed; more are counted, with the command that lists them', () => {
  const unmanaged = Array.from({length: 6}, (_, n) => ({
    schema: 'a',
    table: `t${n}`,
    kind: 'retention',
    rule: '90 days',
  }))
  expect(linesOf({unmanaged: unmanaged.slice(1)})).toHaveLength(5)
  expect(linesOf({unmanaged})).toEqual([
    '* 6 live policies are not declared: not changed. All: qicore-db policies list',
  ])
})
