import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {orderByBlocker} from '../../../src/activity/blocking-tree.js'
import type {Session} from '../../../src/activity/sessions.js'

const session = (pid: number, ...blockedBy: number[]) => ({pid, blockedBy, blocks: 0, depth: 0}) as unknown as Session
const shape = (sessions: readonly Session[]) =>
  orderByBlocker(sessions).map(({pid, depth, blocks}) => [pid, depth, blocks])

describe('the tree of blockers', () => {
  it('lists a blocker before the sessions that wait for it, and both before unrelated sessions', () => {
    expect(shape([session(9), session(3, 2), session(2, 1), session(1)])).toEqual([
      [1, 0, 2],
      [2, 1, 1],
      [3, 2, 0],
      [9, 0, 0],
    ])
  })

  it('lists a session that waits for two blockers once, and counts it for both', () => {
    expect(shape([session(1), session(2), session(3, 1, 2)])).toEqual([
      [1, 0, 1],
      [3, 1, 0],
      [2, 0, 1],
    ])
  })

  it('breaks a cycle at one session, and lists a session whose blocker is not listed at the top level', () => {
    expect(shape([session(1, 2), session(2, 1), session(3, 99)])).toEqual([
      [1, 0, 1],
      [2, 1, 1],
      [3, 0, 0],
    ])
  })

  it('lists every session exactly once in any graph of blockers', () => {
    const some = fc.uniqueArray(fc.nat(6), {maxLength: 3})
    fc.assert(
      fc.property(fc.array(some, {minLength: 1, maxLength: 7}), (waits) => {
        const sessions = waits.map((blockedBy, pid) => session(pid, ...blockedBy.filter((other) => other !== pid)))
        const pids = orderByBlocker(sessions).map(({pid}) => pid)
        expect(pids.sort()).toEqual(sessions.map(({pid}) => pid))
      }),
    )
  })
})
