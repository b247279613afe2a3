import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {formatBytes, parseBytes} from '../../../src/units/bytes.js'

it('a size has three significant digits, with the units of pg_size_pretty', () => {
  expect(formatBytes(0)).toBe('0 B')
  expect(formatBytes(512)).toBe('512 B')
  expect(formatBytes(1024)).toBe('1.00 kB')
  expect(formatBytes(8192)).toBe('8.00 kB')
  expect(formatBytes(383 * 1024 ** 3)).toBe('383 GB')
  expect(formatBytes(22.4 * 1024 ** 3)).toBe('22.4 GB')
  expect(formatBytes(-2048)).toBe('-2.00 kB')
})

it('a size is at most seven characters wide and at most half a percent off', () => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  fc.assert(
    fc.property(
      fc.oneof(
        fc.maxSafeNat(),
        fc.nat(2000),
        fc.integer({min: 0, max: 49}).map((power) => 2 ** power),
      ),
      (bytes) => {
        const text = formatBytes(bytes)
        const [number, unit] = text.split(' ') as [string, string]
        expect(text.length).toBeLessThanOrEqual(7)
        const read = Number(number) * 1024 ** units.indexOf(unit)
        expect(Math.abs(read - bytes)).toBeLessThanOrEqual(bytes * 0.0051 + (unit === 'B' ? 0.5 : 0))
      },
    ),
  )
})

it('a larger size never has a smaller number in the same unit', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(1_000_000), (bytes, more) => {
      const [small, unit] = formatBytes(bytes).split(' ') as [string, string]
      const [large, otherUnit] = formatBytes(Math.min(bytes + more, Number.MAX_SAFE_INTEGER)).split(' ') as [
        string,
        string,
      ]
      if (unit === otherUnit) expect(Number(large)).toBeGreaterThanOrEqual(Number(small))
    }),
  )
})

describe('a size in bytes', () => {
  it('is read with the units of PostgreSQL, and with a number alone', () => {
    expect(['1048576', '2TB', '500 GiB', '1.5kB', '3m', '12 b'].map(parseBytes)).toEqual([
      1_048_576,
      2 * 1024 ** 4,
      500 * 1024 ** 3,
      1_536,
      3 * 1024 ** 2,
      12,
    ])
  })

  it.each(['', 'TB', '-1GB', '0', '0.1', '5x', '1e9', '1 2', '9PB', '2TBs'])('"%s" is refused', (text) => {
    expect(() => parseBytes(text)).toThrow(expect.objectContaining({code: 'SIZE'}))
  })
})
