import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {closing, cut, fitWidth, widthOf, wrap} from '../../../src/cli/render/text.js'
import {command} from '../../../src/units/command.js'

const word = fc.string({unit: fc.constantFrom(...'abcxyz019._-()"'), minLength: 1, maxLength: 30})
const prose = fc.array(word, {minLength: 1, maxLength: 40}).map((words) => words.join(' '))
const wordsOf = (text: string) => text.split(/\s+/).filter(Boolean)

describe('a line for people', () => {
  it('is broken only between words, and each piece fits unless it is a single word', () => {
    fc.assert(
      fc.property(prose, fc.integer({min: 20, max: 220}), (text, width) => {
        const lines = fitWidth(text, width).split('\n')
        expect(wordsOf(lines.join(' '))).toEqual(wordsOf(text))
        for (const line of lines) if (wordsOf(line).length > 1) expect(widthOf(line)).toBeLessThanOrEqual(width)
      }),
    )
  })

  it('is unchanged if it fits, and breaking it twice gives the same text', () => {
    fc.assert(
      fc.property(prose, fc.integer({min: 40, max: 220}), (text, width) => {
        const once = fitWidth(text, width)
        expect(fitWidth(once, width)).toBe(once)
        if (widthOf(text) <= width) expect(once).toBe(text)
      }),
    )
  })

  it('is neither broken nor truncated in a pipe', () => {
    fc.assert(
      fc.property(prose, (text) => {
        expect(fitWidth(text, null)).toBe(text)
        expect(wrap(text, null)).toBe(text)
      }),
    )
  })

  it('has continuation lines that are indented by two more columns', () => {
    expect(fitWidth('    Compress 12 chunks of public.ticks', 24)).toBe('    Compress 12 chunks\n      of public.ticks')
  })

  it('keeps a command on one line so that it can be copied, however the program was started', () => {
    const fix = command('aggregates refresh', ['public.ticks_daily'], {
      from: '2026-01-01T00:00:00Z',
      to: '2026-02-01T00:00:00Z',
    })
    expect(fitWidth(`Not computed up to there. Fix: ${fix}`, 60)).toBe(`Not computed up to there. Fix:\n  ${fix}`)
    for (const started of ['npx qicore-db', 'node bin/run.js', "node '/a b/run.js'", "'/a b/.bin/qicore-db'"]) {
      const typed = fix.replace('qicore-db', started)
      expect(fitWidth(`Not computed up to there. Fix: ${typed}`, 60)).toBe(`Not computed up to there. Fix:\n  ${typed}`)
    }
  })

  it('does not count colour codes as columns', () => {
    const text = '\u001B[33mtwelve chars\u001B[39m'
    expect(widthOf(text)).toBe(12)
    expect(fitWidth(text, 12)).toBe(text)
  })

  it('counts a letter with its marks once, and an emoji or East Asian letter twice', () => {
    expect(['abc', 'e\u0301', '日本', '👩‍👩‍👧', '🇩🇪', '…', '\u0301'].map(widthOf)).toEqual([3, 1, 4, 2, 2, 1, 0])
  })

  it('never cuts through a letter, and fills the width as far as whole letters do', () => {
    const letter = fc.constantFrom('a', 'e\u0301', '日', '👩‍👩‍👧', '🇩🇪')
    const where = fc.constantFrom('end' as const, 'middle' as const, 'front' as const, 'start' as const)
    fc.assert(
      fc.property(fc.array(letter, {maxLength: 30}), fc.integer({min: 2, max: 40}), where, (letters, width, at) => {
        const text = letters.join('')
        const short = cut(text, width, at)
        expect(widthOf(short)).toBeLessThanOrEqual(width)
        if (widthOf(text) <= width) {
          expect(short).toBe(text)
          return
        }
        expect(widthOf(short)).toBeGreaterThanOrEqual(width - 2)
        const [head, tail] = short.split('…') as [string, string]
        const whole = letters.map((_, index) => letters.slice(0, index).join(''))
        expect(whole).toContain(head)
        expect(letters.map((_, index) => letters.slice(index + 1).join(''))).toContain(tail)
      }),
    )
  })

  it('is limited to a readable width on a terminal of 200 columns if it is prose', () => {
    const lines = wrap('word '.repeat(60).trim(), 200).split('\n')
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(100)
  })

  it('at the end of a report keeps its sentence on one line in a pipe, with its commands on lines of their own', () => {
    const sentence = `${'long '.repeat(30)}sentence.`
    expect(closing([sentence, `Next: ${command('migrate up')}`], null)).toBe(`${sentence}\nNext: qicore-db migrate up`)
  })
})
