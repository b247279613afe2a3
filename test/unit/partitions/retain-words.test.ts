import {describe, expect, it} from 'vitest'
import {withheldLines} from '../../../src/partitions/retain/retain-words.js'

const moves = (count: number) =>
  Array.from({length: count}, (_, index) => ({
    partition: `public.ticks_${index}`,
    task: 'move' as const,
    why: 'schema archive does not exist',
  }))

describe('stages that cannot be carried out', () => {
  it('one sentence names the first and the last of many partitions with the same reason', () => {
    expect(withheldLines(moves(7))).toEqual([
      '7 partitions, public.ticks_0 to public.ticks_6: move is due, but schema archive does not exist.',
    ])
  })

  it('a few partitions are all named', () => {
    expect(withheldLines(moves(2))).toEqual([
      'public.ticks_0, public.ticks_1: move is due, but schema archive does not exist.',
    ])
  })

  it('another reason and another stage are sentences of their own', () => {
    const drop = {partition: 'public.ticks_9', task: 'drop' as const, why: 'other objects depend on it: view v'}
    expect(withheldLines([...moves(1), drop])).toEqual([
      'public.ticks_0: move is due, but schema archive does not exist.',
      'public.ticks_9: drop is due, but other objects depend on it: view v.',
    ])
  })
})
