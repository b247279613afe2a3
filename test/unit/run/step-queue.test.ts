import {getEventListeners} from 'node:events'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import type {StepReport} from '../../../src/run/step.js'
import {stepReport} from '../../../src/run/step-report.js'
import {StepQueue} from '../../../src/run/step-queue.js'
import {plainStep, planOf} from '../../helpers/run-steps.js'

/** What becomes of a step, and of the ones before it that it waits for. */
interface Drawn {
  ends: 'done' | 'failed'
  /** Attempts that are blocked before it ends. */
  blocked: number
  dependsOn: number[]
  after: number[]
}

const drawnStep = (position: number): fc.Arbitrary<Drawn> => {
  const earlier: fc.Arbitrary<number[]> =
    position === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(position - 1), {maxLength: 3})
  return fc.record({
    ends: fc.constantFrom('done' as const, 'done' as const, 'failed' as const),
    blocked: fc.nat(2),
    dependsOn: earlier,
    after: earlier,
  })
}
const drawnPlan = fc.nat(12).chain((last) => fc.tuple(...Array.from({length: last + 1}, (_, at) => drawnStep(at))))

/** Takes steps as one of several sessions, and writes down when each began and ended. */
async function work(queue: StepQueue, drawn: readonly Drawn[], events: string[]): Promise<void> {
  for (let entry = await queue.next(); entry !== null; entry = await queue.next()) {
    const {step, position, attempt} = entry
    const {ends, blocked} = drawn[position]!
    attempt.attempts += 1
    events.push(`${step.id} begins`)
    await Promise.resolve()
    if (attempt.attempts <= blocked) queue.retry(entry, 0.001)
    else {
      events.push(`${step.id} ends`)
      queue.end(entry, stepReport(step, ends, attempt.attempts))
    }
  }
}

/** A step whose dependency failed, or was skipped for that reason, is skipped. */
function expectedStatuses(drawn: readonly Drawn[]): StepReport['status'][] {
  const statuses: StepReport['status'][] = []
  for (const {ends, dependsOn} of drawn)
    statuses.push(dependsOn.every((at) => statuses[at] === 'done') ? ends : 'skipped')
  return statuses
}

it('ends every step once, after those it waits for, with any number of sessions', async () => {
  await fc.assert(
    fc.asyncProperty(drawnPlan, fc.integer({min: 1, max: 4}), async (drawn, sessions) => {
      const steps = drawn.map(({dependsOn, after}, at) =>
        plainStep({id: String(at), dependsOn: dependsOn.map(String), after: after.map(String)}),
      )
      const reports = new Map<string, StepReport>()
      const events: string[] = []
      const queue = new StepQueue(planOf(...steps), reports, [])
      await Promise.all(Array.from({length: sessions}, () => work(queue, drawn, events)))
      const expected = expectedStatuses(drawn)
      expect(steps.map(({id}) => reports.get(id)?.status)).toEqual(expected)
      for (const [at, {dependsOn, after}] of drawn.entries()) {
        const ran = expected[at] !== 'skipped'
        expect(events.filter((event) => event === `${at} ends`)).toHaveLength(ran ? 1 : 0)
        if (!ran) continue
        for (const before of [...dependsOn, ...after].filter((each) => expected[each] !== 'skipped'))
          expect(events.indexOf(`${before} ends`)).toBeLessThan(events.indexOf(`${at} begins`))
      }
    }),
  )
})

it('gives out no step after a signal, and no longer listens to it once closed', async () => {
  const stop = new AbortController()
  const queue = new StepQueue(planOf(plainStep({id: 'a'}), plainStep({id: 'b', dependsOn: ['a']})), new Map(), [
    stop.signal,
  ])
  const first = await queue.next()
  const second = queue.next()
  stop.abort()
  expect(await second).toBeNull()
  queue.end(first!, stepReport(first!.step, 'done', 1))
  expect(await queue.next()).toBeNull()
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1)
  queue.close()
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
})
