import {Cron} from 'croner'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {scheduleProblem} from '../../../src/units/schedule.js'

const croner = (schedule: string): boolean => {
  try {
    new Cron(schedule, {timezone: 'UTC', paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard'})
    return true
  } catch {
    return false
  }
}

describe('a schedule', () => {
  it.each([
    '0 2 * * *',
    '*/5 * * * *',
    '30 0 2 * * *',
    '@daily',
    '@Hourly',
    '0 0 L * *',
    '0 0 15W * *',
    '0 0 LW * *',
    '0 0 * * MON#2',
    '0 0 * * 5L',
    '0 9-17/2 * jan-mar mon-fri',
    '0 0 ? * 7',
    ' 0  2 * * * ',
  ])('"%s" is accepted', (schedule) => {
    expect(scheduleProblem(schedule)).toBeNull()
    expect(croner(schedule)).toBe(true)
  })

  it.each([
    ['', 'five fields'],
    ['0 2 * *', 'five fields'],
    ['0 0 0 * * * 2030', 'five fields'],
    ['2026-01-01T00:00:00', 'five fields'],
    ['@every 5m', '@daily'],
    ['@reboot', '@daily'],
    ['60 * * * *', 'minute "60" is out of range (0-59)'],
    ['0 24 * * *', 'hour "24" is out of range (0-23)'],
    ['0 0 0 * *', 'day of the month'],
    ['0 0 * 13 *', 'month'],
    ['0 0 * * 8', 'weekday'],
    ['0 0 * foo *', 'month "foo"'],
    ['5/10 * * * *', 'a step needs * or a range before it'],
    ['*/0 * * * *', 'a step of 0'],
    ['*/61 * * * *', 'a step of 61'],
    ['0 5-3 * * *', 'whose end is before its start'],
    ['1,,2 * * * *', 'empty entry'],
    ['60 0 0 * * *', 'second'],
    ['* * * * * ; drop', 'five fields'],
  ])('"%s" is refused, with the place of the mistake: %s', (schedule, words) => {
    expect(scheduleProblem(schedule)).toContain(words)
  })

  it('accepts nothing that the schedule parser refuses, and is stricter only about numbers that do not exist', () => {
    const number = fc.integer({min: 0, max: 62}).map(String)
    const atom = fc.oneof(
      fc.constantFrom(
        '*',
        '?',
        'L',
        'LW',
        '15W',
        '2#3',
        '5L',
        'mon',
        'JAN',
        'x',
        '-1',
        '',
        '1-L',
        'mon#2',
        'sunL',
        '7#1',
        '32W',
        '0W',
      ),
      number,
      fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
    )
    const part = fc.tuple(atom, fc.option(number, {freq: 3})).map(([a, step]) => (step === null ? a : `${a}/${step}`))
    const field = fc.array(part, {minLength: 1, maxLength: 2}).map((parts) => parts.join(','))
    // One field at a time: hardly any random combination of five fields is valid.
    const schedule = fc.tuple(fc.integer({min: 0, max: 5}), field, fc.boolean()).map(([place, text, six]) => {
      const fields = six ? ['0', '0', '0', '*', '*', '*'] : ['0', '0', '*', '*', '*']
      fields[place % fields.length] = text
      return fields.join(' ')
    })
    let both = 0
    fc.assert(
      fc.property(schedule, (text) => {
        const ours = scheduleProblem(text) === null
        const theirs = croner(text.trim())
        if (ours && theirs) both += 1
        const beyond = /\b(2[4-9]|[3-9]\d|0|1[3-9]|[89])\b/.test(text)
        if (ours || !beyond) expect([text, ours]).toEqual([text, theirs])
      }),
      {numRuns: 5_000},
    )
    expect(both).toBeGreaterThan(200)
  })
})
