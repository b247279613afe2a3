import {afterEach, beforeEach, expect, it, vi} from 'vitest'
import {collectLines} from '../../../src/daemon/collect-lines.js'

const written: string[] = []
const lines = () => collectLines((text) => void written.push(text))

beforeEach(() => {
  written.length = 0
  vi.useFakeTimers()
})
afterEach(() => void vi.useRealTimers())

it('writes a line at once if none was written shortly before', () => {
  const log = lines()
  log.write('one\n')
  expect(written).toEqual(['one\n'])
  vi.advanceTimersByTime(21)
  log.write('two\n')
  expect(written).toEqual(['one\n', 'two\n'])
})

it('writes the lines that follow within 20 ms together, in their order', () => {
  const log = lines()
  for (const line of ['one\n', 'two\n', 'three\n']) log.write(line)
  vi.advanceTimersByTime(19)
  expect(written).toEqual(['one\n'])
  vi.advanceTimersByTime(1)
  expect(written).toEqual(['one\n', 'two\nthree\n'])
  // Lines go on coming: still one write every 20 ms.
  log.write('four\n')
  expect(written).toHaveLength(2)
  vi.advanceTimersByTime(20)
  expect(written.at(-1)).toBe('four\n')
})

it('writes at a flush what waits, once', () => {
  const log = lines()
  for (const line of ['one\n', 'two\n']) log.write(line)
  log.flush()
  log.flush()
  expect(written).toEqual(['one\n', 'two\n'])
  vi.advanceTimersByTime(100)
  expect(written).toEqual(['one\n', 'two\n'])
  expect(vi.getTimerCount()).toBe(0)
})
