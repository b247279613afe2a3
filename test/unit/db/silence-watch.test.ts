import {afterEach, beforeEach, expect, it, vi} from 'vitest'
import {silenceWatch} from '../../../src/db/silence-watch.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = new Promise<void>(() => {})

it('gives up 5 s after statement_timeout if there is no response', async () => {
  const giveUp = vi.fn()
  silenceWatch(giveUp, 1_000, Promise.resolve())(never)
  await vi.advanceTimersByTimeAsync(5_900)
  expect(giveUp).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  expect(giveUp).toHaveBeenCalledWith(6)
})

it('does not count the time in which the server works on transactions that were sent before', async () => {
  const giveUp = vi.fn()
  let reach = () => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  silenceWatch(giveUp, 1_000, reached)(never)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(giveUp).not.toHaveBeenCalled()
  reach()
  await vi.advanceTimersByTimeAsync(5_900)
  expect(giveUp).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  expect(giveUp).toHaveBeenCalledOnce()
})
