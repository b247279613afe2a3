import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  certaintyOf,
  compareVersions,
  exactly,
  intersect,
  rangeInWords,
  type VersionRange,
} from '../../../src/units/version.js'

const releases = ['1.3.1', '1.4.0', '1.4.2', '1.5.0', '1.5.2', '1.6.0', '1.6.2', '1.10.0']
const contains = ({from, to}: VersionRange, version: string) =>
  (from === null || compareVersions(version, from) >= 0) && (to === null || compareVersions(version, to) <= 0)
const end = fc.option(fc.constantFrom(...releases))
const range = fc
  .tuple(end, end)
  .filter(([from, to]) => from === null || to === null || compareVersions(from, to) <= 0)
  .map(([from, to]): VersionRange => ({from, to}))

describe('a range of versions', () => {
  it('is ordered by numbers, with a missing one as zero', () => {
    expect(['1.10.0', '1.4-1', '1.9', '1.4', '1.4.2'].sort(compareVersions)).toEqual([
      '1.4',
      '1.4-1',
      '1.4.2',
      '1.9',
      '1.10.0',
    ])
  })

  it('that meets another has the versions that are in both', () => {
    fc.assert(
      fc.property(range, range, fc.constantFrom(...releases), (one, other, version) => {
        const both = intersect(one, other)
        expect(both !== null && contains(both, version)).toBe(contains(one, version) && contains(other, version))
      }),
    )
  })

  it('has a defect for certain if all its versions have it, possibly if one may have it, else not', () => {
    fc.assert(
      fc.property(range, end, fc.constantFrom(...releases), (versions, since, before) => {
        const has = (version: string) =>
          (since === null || compareVersions(version, since) >= 0) && compareVersions(version, before) < 0
        // Versions older and newer than all of these are possible where an end is not known.
        const inside = ['0.1', ...releases, '99.0'].filter((version) => contains(versions, version))
        const certainty = certaintyOf(versions, since, before)
        if (certainty === 'certain') expect(inside.every(has)).toBe(true)
        if (certainty === 'excluded') expect(inside.some(has)).toBe(false)
        if (inside.some(has)) expect(certainty).not.toBe('excluded')
        if (!inside.every(has)) expect(certainty).not.toBe('certain')
      }),
    )
    expect(certaintyOf(exactly('1.6.1'), '1.6.0', '1.6.2')).toBe('certain')
    expect(certaintyOf({from: '1.6.0', to: null}, '1.6.0', '1.6.2')).toBe('possible')
    expect(certaintyOf({from: '1.6.3', to: null}, '1.6.0', '1.6.2')).toBe('excluded')
  })

  it('is shown by its ends', () => {
    expect(rangeInWords(exactly('1.6.0'))).toBe('1.6.0')
    expect(rangeInWords({from: '1.5.0', to: '1.5.2'})).toBe('1.5.0 to 1.5.2')
    expect(rangeInWords({from: '1.6.3', to: null})).toBe('1.6.3 or newer')
    expect(rangeInWords({from: null, to: '1.4.2'})).toBe('1.4.2 or older')
    expect(rangeInWords({from: null, to: null})).toBe('an unknown version')
  })
})
