import {binary} from '../../units/command.js'

const escapes: Record<string, string> = {'\n': '\\n', '\r': '\\r', '\t': '\\t'}

/** Names are whatever somebody chose: a line break or an escape sequence in one is shown, and not obeyed. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu, (sign) => escapes[sign] ?? `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}

/** The same for a text of ours that a name stands in: its own line breaks stay. */
function harmless(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** Columns a text takes on a terminal: letters of East Asia two, marks that combine none. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue
    width += /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}]/u.test(character) ? 2 : 1
  }
  return width
}

/** A sentence in lines of at most the width, further ones indented. A command in it stays whole, so that it can be copied. */
export function wrap(text: string, width: number | null): string {
  const lines = ['']
  for (const word of pieces(text).map(harmless)) {
    const last = lines.at(-1)!
    if (last !== '' && widthOf(last) + 1 + widthOf(word) > Math.min(width ?? 80, 100)) lines.push(`  ${word}`)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.join('\n')
}

/** Words, and commands as one piece each: in backquotes, or up to the end of the line. */
function pieces(text: string): string[] {
  return text.match(new RegExp(`[^\\s\`]*\`[^\`]*\`[^ ]*|${binary} [a-z][^\`\n]*(?=\n|$)|[^ ]+|(?<= )(?= )`, 'g')) ?? ['']
}

/** Sentences on one line where they fit; else the commands among them on lines of their own, never broken. */
export function closing(sentences: readonly string[], width: number | null): string {
  const line = harmless(sentences.join(' '))
  if (widthOf(line) <= (width ?? 80)) return line
  const isCommand = (sentence: string) => sentence.includes(`${binary} `)
  return [wrap(sentences.filter((each) => !isCommand(each)).join(' '), width), ...sentences.filter(isCommand).map(harmless)].join('\n')
}
