import {describe, expect, it} from 'vitest'
import {mutants} from '../../simulation/mutants.js'
import {replayCommand, simulateTwice} from '../../simulation/replay.js'
import {simulate, type LedgerFactory} from '../../simulation/simulate.js'

/** Seeds that found a defect, with the number of due times after which their world heals. */
const found: readonly [seed: number, instants: number, defect: string][] = [
  [117, 1_000, 'with one slot, the backlog of a job kept the others from running'],
  [118, 1_000, 'catchUp none with jitter skipped a due time twice and the one before it not at all'],
  [117, 300, 'with one slot, new runs kept a retry from starting'],
  [132, 1_000, 'after a failover the new server issued tokens again that lost claims still held'],
  [3_009, 1_000, 'a step was recorded as failed while its first attempt, whose connection was lost, still committed'],
  [155, 300, 'the same when a second failover lost the skipped tokens'],
  [342, 1_000, 'the simulated server kept a lock for a transaction whose client was gone'],
]

/** A seed that finds each mutant; after a change of the scheduler it may be one of the next. */
const killers: Record<keyof typeof mutants, readonly [seed: number, instants: number]> = {
  'the token is not compared': [13, 500],
  'the lease is not checked': [2, 500],
  'revision and last_at are not compared': [2, 500],
  'a step is done again': [3, 500],
  'tokens are issued again after a failover': [155, 300],
  'one skipped due time gets no row': [1, 500],
  'a result is acknowledged and not written': [1, 500],
  'a schedule begins before last_at': [2, 500],
}

describe('the simulated scheduler', () => {
  it.each(found)('seed %i with %i due times, which found: %s', async (seed, instants) => {
    const {violation} = await simulateTwice({seed, instants})
    expect(violation, replayCommand(seed, instants)).toBeNull()
  })

  it.each(Object.entries(mutants))('a ledger in which %s is found', async (name, Ledger) => {
    const [seed, instants] = killers[name as keyof typeof mutants]
    let violation: string | null = null
    for (let next = seed; violation === null && next < seed + 100; next += 1) {
      const ledger: LedgerFactory = (now, observer, elapsed) => new Ledger(now, observer, elapsed)
      violation = (await simulate({seed: next, instants, ledger})).violation
    }
    expect(violation).not.toBeNull()
  })
})
