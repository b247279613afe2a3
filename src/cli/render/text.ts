import {binary} from '../../units/command.js'

const escapes: Record<string, string> = {'\n': '\\n', '\r': '\\r', '\t': '\\t'}

/** Escapes control characters: a name may contain line breaks and terminal escape sequences. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu,
    (sign) => escapes[sign] ?? `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}

/** The same for a sentence that contains names; the line breaks of the sentence itself are kept. */
function escapeControl(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

const colour = /\u001B\[[\d;]*m/g
const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\p{Emoji_Presentation}]/u
const lettersOf = new Intl.Segmenter('en')

/** The letters of a text, each with its combining marks; an emoji of several code points is one. */
function letters(text: string): string[] {
  return Array.from(lettersOf.segment(text), ({segment}) => segment)
}

/**
 * Width of a text in terminal columns: East Asian characters and emoji take two, combining marks and colours none.
 * string-width does the same, but takes 85 ms to import (version 8.3; 12 ms for version 4.2), which every command pays.
 */
export function widthOf(text: string): number {
  const plain = text.replace(colour, '')
  if (/^[ -~]*$/.test(plain)) return plain.length
  return letters(plain).reduce((width, letter) => width + widthOfLetter(letter), 0)
}

function widthOfLetter(letter: string): number {
  if (wide.test(letter)) return 2
  return /^\p{Mark}+$/u.test(letter) ? 0 : 1
}

/** Wider paragraphs are hard to read, even on a wide terminal. */
const readable = 100

/**
 * Prepares a sentence for output: escapes control characters, and wraps it like {@link fitWidth}.
 * @param width null if stdout is not a terminal: nothing is wrapped
 */
export function wrap(text: string, width: number | null): string {
  return fitWidth(escapeControl(text), width === null ? null : Math.min(width, readable))
}

/**
 * The last step for every line for people: lines wider than the terminal are wrapped between words, with continuation
 * lines indented by two more columns. Lines that fit are unchanged. A command is never broken, so that it can be
 * copied.
 * @param width of the terminal; null if there is none: nothing is wrapped
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

/** The name of the program, or how it was started: see cli/invocation. */
const started = String.raw`(?:npx )?${binary}|'[^']*/${binary}'|node (?:'[^']*\.js'|\S+\.js)`
const commandToLineEnd = `(?:${started}) [a-z][^\`]*$`

/** Splits a line into words and commands; a command is in backquotes or extends to the end of the line. */
function pieces(line: string): string[] {
  return line.match(new RegExp(`[^\\s\`]*\`[^\`]*\`[^ ]*|${commandToLineEnd}|[^ ]+|(?<= )(?= )`, 'g')) ?? ['']
}

/**
 * Joins sentences on one line if they fit; otherwise commands get lines of their own and are never broken.
 * @param width null if stdout is not a terminal: the limit is then 80 columns
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

/** Where a text is truncated: at the end, in the middle, after the first few characters, or at the start. */
export type CutAt = 'end' | 'middle' | 'front' | 'start'

const share: Record<CutAt, number> = {end: 1, middle: 0.5, front: 0.2, start: 0}

/** Truncates a text to a width in terminal columns, with `…` for the removed part. */
export function cut(text: string, width: number, where: CutAt): string {
  if (widthOf(text) <= width) return text
  const all = letters(text)
  const room = Math.max(0, width - 1)
  const front = Math.ceil(room * share[where])
  const head = fitting(all, front)
  const left = room - widthOf(head.join(''))
  const tail = where === 'end' ? [] : fitting(all.toReversed(), left).reverse()
  return [...head, ellipsis, ...tail].join('')
}

/** The leading characters that fit into the width. */
function fitting(all: readonly string[], room: number): string[] {
  let used = 0
  const end = all.findIndex((letter) => (used += widthOf(letter)) > room)
  return end === -1 ? [...all] : all.slice(0, end)
}
