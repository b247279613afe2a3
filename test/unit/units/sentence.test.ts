import {expect, it} from 'vitest'
import {asSentence} from '../../../src/units/sentence.js'

it.each([
  ['there is no partition for now', 'There is no partition for now.'],
  ['job 1003 is paused.', 'Job 1003 is paused.'],
  ['public.daily is over public.ticks', 'public.daily is over public.ticks.'],
  ['"Odd Name" has no clock', '"Odd Name" has no clock.'],
  ['holds rows: a and b:', 'Holds rows: a and b:'],
])('"%s" as a sentence keeps the case of a name', (clause, sentence) => {
  expect(asSentence(clause)).toBe(sentence)
})
