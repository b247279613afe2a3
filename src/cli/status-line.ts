import {fitWidth} from './render/text.js'
import {lineWidth} from './terminal.js'

/** The last line of a terminal, rewritten in place; lines that are printed meanwhile appear above it. */
export interface StatusLine {
  /** Replaces the text. Called often: it is drawn ten times a second at most. */
  show(text: string): void
  /** A line for people, broken between words where the terminal is narrower. */
  print(line: string): void
  /** Removes the line without a trace. */
  clear(): void
}

const clearLine = '\r\x1b[2K'
const drawEvery = 100

/** True where a line can be rewritten: on a terminal that knows how. */
export function canRewrite(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb'
}

/** On anything but a terminal `show` does nothing and `print` prints. */
export function statusLine(stream: NodeJS.WriteStream): StatusLine {
  let text = ''
  let drawn = false
  let lastDraw = 0
  let timer: NodeJS.Timeout | undefined
  const erase = () => {
    clearTimeout(timer)
    timer = undefined
    if (drawn) stream.write(clearLine)
    drawn = false
  }
  const draw = () => {
    erase()
    lastDraw = Date.now()
    // One column less: a full line would wrap, and the second half could not be cleared.
    if (text !== '') stream.write(`${clearLine}${[...text].slice(0, (stream.columns || 80) - 1).join('')}`)
    drawn = text !== ''
  }
  return {
    show(next) {
      if (!canRewrite(stream)) return
      text = next
      const wait = drawEvery - (Date.now() - lastDraw)
      if (wait <= 0) draw()
      else timer ??= setTimeout(draw, wait).unref()
    },
    print(line) {
      erase()
      stream.write(`${fitWidth(line, lineWidth(stream))}\n`)
      if (text !== '') draw()
    },
    clear() {
      text = ''
      erase()
    },
  }
}

/** That of stderr: one for the whole process, or two would write over each other. */
export const stderrStatus = statusLine(process.stderr)
