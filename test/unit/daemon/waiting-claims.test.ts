import fc from 'fast-check'
import {expect, it} from 'vitest'
import {WaitingClaims} from '../../../src/daemon/waiting-claims.js'
import type {Claim} from '../../../src/jobs/store/claims.js'
import type {ProcessClock} from '../../../src/units/process-clock.js'

/** A clock that only `pass` moves, and what the claims that got no slot were. */
function setUp() {
  let now = 0
  let timers: {at: number; ring: () => void}[] = []
  const clock: ProcessClock = {
    monotonic: () => now,
    wall: () => now,
    after(milliseconds, ring) {
      const timer = {at: now + milliseconds, ring}
      timers.push(timer)
      return {cancel: () => void (timers = timers.filter((one) => one !== timer))}
    },
    every: () => ({cancel() {}}),
  }
  const released: string[] = []
  const waiting = new WaitingClaims(clock, (claims) => released.push(...claims.map(({job}) => job)))
  const pass = (milliseconds: number) => {
    const end = now + milliseconds
    for (let due = timers; due.length > 0; due = timers.filter(({at}) => at <= now)) {
      now = Math.min(end, ...timers.map(({at}) => at))
      const ringing = timers.filter(({at}) => at <= now)
      if (ringing.length === 0) break
      timers = timers.filter((one) => !ringing.includes(one))
      for (const {ring} of ringing) ring()
    }
    now = end
  }
  return {waiting, released, pass}
}

const claimOf = (job: string): Claim => ({
  ...{id: 1, token: 1, job, scheduledAt: 0, startedAt: 0, attempts: 1, late: 0},
})

it('no job is claimed behind one whose length is not known, or is long', () => {
  const {waiting} = setUp()
  const due = ['a', 'b', 'c', 'd']
  expect(waiting.room(due, [], 1)).toBe(1)
  waiting.ended('a', 5)
  waiting.ended('b', 5)
  // b is short, c is claimed behind it, and nothing behind c.
  expect(waiting.room(due, [], 1)).toBe(3)
  expect(waiting.room(due, ['long'], 0)).toBe(0)
  waiting.ended('a', 60_000)
  expect(waiting.room(due, [], 1)).toBe(1)
})

it('a claim made ahead is expected to start within 50 ms', () => {
  const length = fc.integer({min: 1, max: 100})
  fc.assert(
    fc.property(fc.array(length, {minLength: 1, maxLength: 60}), fc.nat(8), fc.nat(8), (lengths, slots, queued) => {
      const {waiting} = setUp()
      const jobs = lengths.map((_, n) => `job${n}`)
      for (const [n, job] of jobs.entries()) waiting.ended(job, lengths[n]!)
      for (const job of jobs.slice(0, queued)) waiting.add(claimOf(job))
      const count = waiting.room(jobs, [], Math.min(slots, jobs.length))
      const last = count - 1
      if (count <= slots) return
      const running = lengths.slice(0, slots).filter((ms) => ms < 50).length
      const before = [...lengths.slice(0, queued), ...lengths.slice(slots, last)]
      expect(before.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(50 * running)
    }),
  )
})

it('a claim that gets no slot for a second is released, and the others keep their order', () => {
  const {waiting, released, pass} = setUp()
  waiting.add(claimOf('a'))
  pass(600)
  waiting.add(claimOf('b'))
  waiting.add(claimOf('c'))
  pass(500)
  expect(released).toEqual(['a'])
  expect(waiting.next()).toEqual({claim: {...claimOf('b'), startedAt: 500, late: 0.5}, waited: 0.5})
  pass(500)
  expect([released, waiting.size]).toEqual([['a', 'c'], 0])
})
