import {binary} from '../../units/command.js'

const escapes: Record<string, string> = {'\n': '\\n', '\r': '\\r', '\t': '\\t'}

/** A name may hold any character: a line break or an escape sequence in one is shown, and not obeyed. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu,
    (sign) => escapes[sign] ?? `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}

/** The same for a text of ours that a name stands in: its own line breaks stay. */
function escapeControl(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

const colour = /\u001B\[[\d;]*m/g

/** Columns a text takes on a terminal: letters of East Asia two, combining marks and colours none. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text.replace(colour, '')) {
    if (/\p{Mark}/u.test(character)) continue
    width +=
      /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\p{Emoji_Presentation}]/u.test(
        character,
      )
        ? 2
        : 1
  }
  return width
}

/** Prose wider than this is hard to read, however wide the terminal is. */
const readable = 100

/**
 * A sentence with names in it: control characters are shown, and on a terminal it is broken as {@link fitWidth} does.
 * @param width null where no terminal shows it (a pipe): nothing is broken
 */
export function wrap(text: string, width: number | null): string {
  return fitWidth(escapeControl(text), width === null ? null : Math.min(width, readable))
}

/**
 * Every line for people passes through here last: one that is wider than the terminal is broken between words, its
 * further lines are indented by two more columns. Lines that fit are unchanged. A command stays whole, so that it can
 * be
 * copied.
 * @param width of the terminal; null where there is none: nothing is broken
 */
export function fitWidth(text: string, width: number | null): string {
  if (width === null) return text
  return text
    .split('\n')
    .map((line) => (widthOf(line) <= width ? line : broken(line, Math.min(width, readable))))
    .join('\n')
}

function broken(line: string, width: number): string {
  const indent = /^ */.exec(line)![0]
  const lines = ['']
  for (const word of pieces(line.slice(indent.length).trimEnd())) {
    const last = lines.at(-1)!
    if (last !== '' && widthOf(indent) + widthOf(last) + 1 + widthOf(word) > width) lines.push(`  ${word}`)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.map((each) => `${indent}${each.trimEnd()}`).join('\n')
}

const commandToLineEnd = `(?:npx )?${binary} [a-z][^\`]*$`

/** Words, and commands as one piece each: in backquotes, or up to the end of the line. */
function pieces(line: string): string[] {
  return line.match(new RegExp(`[^\\s\`]*\`[^\`]*\`[^ ]*|${commandToLineEnd}|[^ ]+|(?<= )(?= )`, 'g')) ?? ['']
}

/**
 * Sentences on one line where they fit; else the commands among them on lines of their own, never broken.
 * @param width null where no terminal shows it: they go onto one line of up to 80 columns, as on the narrowest terminal
 */
export function closing(sentences: readonly string[], width: number | null): string {
  const line = escapeControl(sentences.join(' '))
  if (widthOf(line) <= (width ?? 80)) return line
  const isCommand = (sentence: string) => sentence.includes(`${binary} `)
  return [
    wrap(sentences.filter((each) => !isCommand(each)).join(' '), width),
    ...sentences.filter(isCommand).map(escapeControl),
  ].join('\n')
}

const ellipsis = '…'

/** Where letters are left out: at the end, in the middle, or behind the first few. */
export type CutAt = 'end' | 'middle' | 'front'

const share: Record<CutAt, number> = {end: 1, middle: 0.5, front: 0.2}

/** A text in so many columns of a terminal, with `…` where letters are missing. */
export function cut(text: string, width: number, where: CutAt): string {
  if (widthOf(text) <= width) return text
  const letters = [...text]
  const room = Math.max(0, width - 1)
  const front = Math.ceil(room * share[where])
  const head = fitting(letters, front)
  const tail = where === 'end' ? '' : fitting(letters.toReversed(), room - widthOf(head))
  return `${head}${ellipsis}${[...tail].reverse().join('')}`
}

/** As many of the letters as have room. */
function fitting(letters: readonly string[], room: number): string {
  let text = ''
  let used = 0
  for (const letter of letters) {
    used += widthOf(letter)
    if (used > room) break
    text += letter
  }
  return text
}
