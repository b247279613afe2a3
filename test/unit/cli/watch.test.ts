import {describe, expect, it} from 'vitest'
import {frame} from '../../../src/cli/watch.js'

const screen = (rows: number) => ({isTTY: true, rows, columns: 80}) as NodeJS.WriteStream

describe('a report of --watch', () => {
  it('replaces the previous one on a terminal and clears the rest of it', () => {
    expect(frame('one\ntwo', screen(24), true)).toBe('\x1b[2J\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J')
    expect(frame('one', screen(24), false)).toBe('\x1b[Hone\x1b[K\n\x1b[J')
  })

  it('is never higher than the terminal, and counts the omitted lines', () => {
    const text = Array.from({length: 30}, (_, line) => `line ${line}`).join('\n')
    const drawn = frame(text, screen(10), false)
    expect(drawn.split('\n')).toHaveLength(10)
    expect(drawn).toContain('line 7')
    expect(drawn).not.toContain('line 8')
    expect(drawn).toContain('22 more lines')
  })

  it('follows the previous one in a pipe, after an empty line', () => {
    const pipe = {isTTY: false} as NodeJS.WriteStream
    expect(frame('one', pipe, true)).toBe('one\n')
    expect(frame('two', pipe, false)).toBe('\ntwo\n')
  })
})
