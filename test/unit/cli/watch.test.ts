import {describe, expect, it} from 'vitest'
import {frame} from '../../../src/cli/watch.js'

const screen = (rows: number) => ({isTTY: true, rows, columns: 80}) as NodeJS.WriteStream

describe('a reading of --watch', () => {
  it('replaces the one before on a terminal, and clears what is left of it', () => {
    expect(frame('one\ntwo', screen(24), true)).toBe('\x1b[2J\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J')
    expect(frame('one', screen(24), false)).toBe('\x1b[Hone\x1b[K\n\x1b[J')
  })

  it('never is higher than the terminal: what is left out is counted', () => {
    const text = Array.from({length: 30}, (_, line) => `line ${line}`).join('\n')
    const drawn = frame(text, screen(10), false)
    expect(drawn.split('\n')).toHaveLength(10)
    expect(drawn).toContain('line 7')
    expect(drawn).not.toContain('line 8')
    expect(drawn).toContain('22 more lines')
  })

  it('follows the one before in a pipe, after an empty line', () => {
    const pipe = {isTTY: false} as NodeJS.WriteStream
    expect(frame('one', pipe, true)).toBe('one\n')
    expect(frame('two', pipe, false)).toBe('\ntwo\n')
  })
})
