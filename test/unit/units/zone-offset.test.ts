import fc from 'fast-check'
import {expect, it} from 'vitest'
import {zoneOffset} from '../../../src/units/zone.js'

/** As Intl prints it: `GMT+05:45`, `GMT-03:30`, `GMT`. */
function printedOffset(zone: string, instant: number): number {
  const format = new Intl.DateTimeFormat('en-US', {timeZone: zone, timeZoneName: 'longOffset'})
  const text = format.formatToParts(instant).find(({type}) => type === 'timeZoneName')!.value
  const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(text)!
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

// Half an hour of summer time, offsets of quarters of an hour, a day that was left out, rules of two hemispheres.
const zones = [
  'Europe/Berlin',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'America/Santiago',
  'Etc/UTC',
  'UTC',
]

it('the offset of a zone is that which Intl prints, at any instant', () => {
  const instant = fc.integer({min: Date.UTC(1975, 0, 1), max: Date.UTC(2037, 0, 1)})
  fc.assert(
    fc.property(fc.constantFrom(...zones), instant, (zone, at) => {
      expect(zoneOffset(zone, at)).toBe(printedOffset(zone, at))
    }),
    {numRuns: 2_000},
  )
})

it('the offset of a zone changes at the second of the change of its clocks', () => {
  const change = Date.UTC(2026, 2, 29, 1)
  for (const seconds of [-43_200, -3_600, -1, 0, 1, 3_600, 43_200])
    expect(zoneOffset('Europe/Berlin', change + seconds * 1_000), String(seconds)).toBe(
      seconds < 0 ? 3_600_000 : 7_200_000,
    )
  expect(zoneOffset('Europe/Berlin', change - 1)).toBe(3_600_000)
})
