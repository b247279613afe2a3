import fc from 'fast-check'
import {expect, it} from 'vitest'
import {WorkerSlots, type SlotShare} from '../../../src/daemon/worker-slots.js'

interface Member {
  share: SlotShare
  held: number
  taken: number
  called: boolean
}

function membersOf(total: number, count: number): Member[] {
  const slots = new WorkerSlots(total)
  return Array.from({length: count}, () => {
    const member: Member = {share: null as never, held: 0, taken: 0, called: false}
    member.share = slots.join(() => (member.called = true))
    return member
  })
}

function take(member: Member, wanted: number): number {
  member.called = false
  const count = member.share.take(wanted)
  member.held += count
  member.taken += count
  return count
}

function give(member: Member): void {
  if (member.held === 0) return
  member.held -= 1
  member.share.give(1)
}

it('a target alone gets every slot, and one of several leaves a slot to the others', () => {
  expect(take(membersOf(4, 1)[0]!, 100)).toBe(4)
  const [busy, other] = membersOf(4, 2) as [Member, Member]
  expect([take(busy, 100), take(other, 1)]).toEqual([3, 1])
})

it('never gives more slots than there are, and none is unused while a target that may have it waits', () => {
  const step = fc.record({who: fc.nat(4), give: fc.boolean(), wanted: fc.nat(8)})
  fc.assert(
    fc.property(fc.integer({min: 1, max: 8}), fc.array(step, {maxLength: 60}), (total, steps) => {
      const members = membersOf(total, 5)
      for (const {who, give: gives, wanted} of steps) {
        if (gives) give(members[who]!)
        else take(members[who]!, wanted)
        expect(members.reduce((sum, {held}) => sum + held, 0)).toBeLessThanOrEqual(total)
      }
      // Every target that is called takes what it was offered; then one slot can always be taken again.
      for (const member of members) while (member.held > 0) give(member)
      for (const member of members) take(member, 0)
      expect(take(members[0]!, 1)).toBe(1)
    }),
  )
})

it('targets that always wait take turns, however much one of them wants', () => {
  fc.assert(
    fc.property(fc.integer({min: 2, max: 6}), fc.integer({min: 2, max: 5}), (total, count) => {
      const members = membersOf(total, count)
      for (const member of members) take(member, 100)
      for (const member of members) member.taken = 0
      for (let turn = 0; turn < 60 * count; turn += 1) {
        give(members.find(({held}, index) => held > 0 && index >= turn % count) ?? members.find(({held}) => held > 0)!)
        for (const member of members) while (member.called) take(member, 100)
      }
      const taken = members.map((member) => member.taken)
      expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(total + 1)
    }),
  )
})
