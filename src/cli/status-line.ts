import {fitWidth} from './render/text.js'
import {lineWidth} from './terminal.js'

/** A line at the bottom of a terminal, rewritten in place; lines printed meanwhile appear above it. */
export interface StatusLine {
  /** Replaces the text. May be called often: it is drawn at most ten times per second. */
  show(text: string): void
  /** Prints a line for people, wrapped to the terminal. */
  print(line: string): void
  /** Erases the line. */
  clear(): void
}

const clearLine = '\r\x1b[2K'
const drawEvery = 100

/** Whether the stream is a terminal that can rewrite a line. */
export function canRewrite(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb'
}

/** If the stream is not a terminal, `show` does nothing and `print` prints. */
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
    // One column less, because a full line would wrap and its second half could not be erased.
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

/** The one status line of stderr: two of them would overwrite each other. */
export const stderrStatus = statusLine(process.stderr)
