import {expect, it} from 'vitest'
import {exitCodeOf, exitCodeOfFailure} from '../../../src/run/exit-code.js'
import {stepReport} from '../../../src/run/step-report.js'

const done = stepReport({id: 'a'}, 'done', 1)
const blocked = stepReport({id: 'b'}, 'failed', 3, {code: 'blocked'})
const broken = stepReport({id: 'c'}, 'failed', 1)
const needs = stepReport({id: 'd'}, 'skipped', 0, {code: 'needs', step: 'b'})

it.each([
  [[], 0],
  [[done], 0],
  [[blocked, needs], 5],
  [[blocked, broken], 1],
  [[broken], 1],
  [[done, blocked], 6],
  [[done, broken], 6],
])('the steps %j end a command with its exit code', (steps, code) => {
  expect(exitCodeOf({steps, interrupted: false})).toBe(code)
  expect(exitCodeOf({steps, interrupted: true})).toBe(130)
})

it('a run that failed before its first step has failed', () => {
  expect(exitCodeOfFailure([])).toBe(1)
})
