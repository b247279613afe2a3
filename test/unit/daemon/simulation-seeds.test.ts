import {describe, expect, it} from 'vitest'
import {replayCommand, simulateTwice} from '../../simulation/replay.js'
import {simulate} from '../../simulation/simulate.js'

// A file of its own, which the other worker runs beside simulation.test.ts.
describe('the simulated scheduler', () => {
  it('keeps every invariant for 100 000 due times, and each seed has the same log twice', async () => {
    let total = 0
    const faults = new Map<string, number>()
    for (let seed = 1; total < 100_000; seed += 1) {
      const options = {seed, instants: 1_000}
      // Twice for every tenth seed, because of the time that it takes.
      const result = await (seed % 10 === 0 ? simulateTwice(options) : simulate(options))
      expect(result.violation, replayCommand(seed, options.instants)).toBeNull()
      total += result.instants
      for (const [fault, count] of result.faults) faults.set(fault, (faults.get(fault) ?? 0) + count)
    }
    for (const fault of ['error', 'cutBefore', 'answerLost', 'cutInFlight'])
      for (const call of ['claim', 'reclaim', 'renew', 'finish', 'poll', 'step'])
        expect(faults.get(`${fault} at ${call}`), `${fault} at ${call}`).toBeGreaterThan(0)
  }, 300_000)
})
