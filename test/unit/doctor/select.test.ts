import {describe, expect, it} from 'vitest'
import {groupOf, groups} from '../../../src/doctor/check.js'
import {selectChecks} from '../../../src/doctor/examine.js'
import {checks} from '../../../src/doctor/registry.js'
import {fails} from '../../../src/doctor/report.js'

describe('the checks of doctor', () => {
  it('have unique ids, in groups that exist', () => {
    const ids = checks.map(({id}) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const check of checks) {
      expect(groups).toContain(groupOf(check))
      expect(check.id).toMatch(/^[a-z]+\.[a-z][a-z0-9_]*$/)
    }
  })

  it('describe a passed check as a sentence and a finding as a phrase', () => {
    for (const {id, passes, problem} of checks) {
      expect(passes, id).toMatch(/^[A-Z].*\.$/)
      expect(problem, id).toMatch(/[^.]$/)
    }
  })

  it('are selected by id and by group', () => {
    const [first] = checks
    expect(selectChecks({only: [first!.id], skip: []})).toEqual([first])
    expect(selectChecks({only: [groupOf(first!)], skip: [first!.id]})).not.toContain(first)
    expect(selectChecks({only: [], skip: []})).toEqual(checks)
  })

  it.each([['only'], ['skip']])(
    '--%s refuses a name that is neither a check nor a group, and names the nearest',
    (flag) => {
      const selection = {only: [], skip: [], [flag]: ['conditon']}
      expect(() => selectChecks(selection)).toThrow(
        expect.objectContaining({
          code: 'BAD_CHECK',
          exitCode: 2,
          suggestions: expect.arrayContaining(['Did you mean condition?']),
        }),
      )
    },
  )
})

describe('--fail-on', () => {
  const found = (status: string) => ({counts: {critical: 0, warning: 0, unknown: 0, passed: 3, [status]: 1}})
  it.each([
    ['never', []],
    ['critical', ['critical']],
    ['warning', ['critical', 'warning']],
    ['unknown', ['critical', 'warning', 'unknown']],
  ] as const)('%s counts %j', (failOn, counted) => {
    const statuses = ['critical', 'warning', 'unknown', 'passed'] as const
    expect(statuses.filter((status) => fails(found(status), failOn))).toEqual(counted)
  })
})
