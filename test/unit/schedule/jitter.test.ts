import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {dueTimes} from '../../../src/schedule/due-times.js'
import {jitterOf, nextRun, type Jittered} from '../../../src/schedule/jitter.js'

const minute = 60_000
const day = 86_400_000
const midnight = Date.parse('2026-03-01T00:00:00Z')
const job = (target: string | null, jitter = 30 * minute): Jittered => ({name: 'maintain', target, jitter})

/** Only as many due times as it needs: 40 days of every fifth minute are 11 520. */
function firstLater(given: Jittered, dueTimes: Iterable<number>, now: number) {
  for (const at of dueTimes) {
    const begins = at + jitterOf(given, at)
    if (begins > now) return {at, begins}
  }
  return undefined
}

describe('jitter', () => {
  it('spreads the same job of many targets, and each target begins at its own time in every daemon', () => {
    const due = midnight + 2 * 60 * minute
    const delays = Array.from({length: 50}, (_, n) => jitterOf(job(`tenants/tenant_${n}`), due))
    expect(delays.every((delay) => delay >= 0 && delay < 30 * minute)).toBe(true)
    expect(delays).toEqual(Array.from({length: 50}, (_, n) => jitterOf(job(`tenants/tenant_${n}`), due)))
    const inMinute = (each: number) => delays.filter((delay) => Math.floor(delay / minute) === each).length
    const most = Math.max(...Array.from({length: 30}, (_, each) => inMinute(each)))
    // 50 in 30 minutes; all in one without the target.
    expect(most).toBeLessThan(10)
    expect(new Set(Array.from({length: 50}, () => jitterOf(job(null), due))).size).toBe(1)
  })

  it('the next run is the first that begins later, of those due since', () => {
    const schedules = ['0 2 * * *', '*/5 * * * *', '30 1 1 * *']
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules),
        fc.constantFrom(null, 'paris', 'tenants/acme'),
        fc.integer({min: 0, max: 4 * minute}),
        fc.integer({min: 0, max: 2 * day}),
        fc.integer({min: 0, max: 2 * day}),
        (schedule, target, jitter, after, later) => {
          const zoned = {schedule, timezone: 'UTC'}
          const given = job(target, jitter)
          const [from, now] = [midnight + after, midnight + after + later]
          expect(nextRun(zoned, given, from, now)).toEqual(
            firstLater(given, dueTimes(zoned, from, now + 40 * day), now),
          )
        },
      ),
    )
  })
})
