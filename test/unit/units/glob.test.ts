import fc from 'fast-check'
import {expect, it} from 'vitest'
import {isGlob, matchesGlob} from '../../../src/units/glob.js'

it('matches a star with any characters and a question mark with one', () => {
  expect(['prod-1', 'prod-', 'prod', 'xprod-1'].filter((name) => matchesGlob('prod-*', name))).toEqual([
    'prod-1',
    'prod-',
  ])
  expect(['a1c', 'ac', 'aXYc'].filter((name) => matchesGlob('a?c', name))).toEqual(['a1c'])
  expect(matchesGlob('', '')).toBe(true)
  expect(['prod.1', 'a[b'].some(isGlob)).toBe(false)
})

it('matches as the regular expression that it stands for', () => {
  const text = fc.string({unit: fc.constantFrom('a', 'b', '.', '*', '?', '[', 'é', '😀'), maxLength: 8})
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const source = [...pattern].map((sign) => {
        if (sign === '*') return '.*'
        return sign === '?' ? '.' : sign.replace(/[.[]/, String.raw`\$&`)
      })
      expect(matchesGlob(pattern, name)).toBe(new RegExp(`^${source.join('')}$`, 'su').test(name))
    }),
  )
})

it('takes no exponential time', () => {
  expect(matchesGlob('*a'.repeat(40), `${'a'.repeat(2_000)}b`)).toBe(false)
})
