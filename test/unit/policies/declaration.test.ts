import {expect, it} from 'vitest'
import type {CheckSubject} from '../../../src/policies/checks/facts.js'
import {declaration} from '../../../src/policies/checks/facts.js'

it('no age in integers of an unknown unit is suggested for the configuration, which refuses a number without a unit', () => {
  const subject = (scale: string) =>
    ({table: {schema: 'public', name: 'numbered'}, state: {scale}}) as unknown as CheckSubject
  expect(declaration('compression: { after: 5000 }', subject('unknown'))).toBe(
    'first the unit (s, ms, us or ns): tables: {public.numbered: {timeUnit: ms}}',
  )
  expect(declaration('compression: { after: 5 days }', subject('time'))).toBe('compression: { after: 5 days }')
})
