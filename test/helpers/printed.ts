import {Config, Flags, Parser, type Command} from '@oclif/core'
import {expect} from 'vitest'
import {binary} from '../../src/units/command.js'
import {root} from './build.js'

/** A command as the program printed it: where it was found, and its words as a POSIX shell splits them. */
export interface PrintedCommand {
  text: string
  words: string[]
}

/** A command as the program's own parser read it. */
export interface ParsedCommand {
  id: string
  args: Record<string, unknown>
  flags: Record<string, unknown>
}

/** Words after the name of the program in a sentence about it. No command begins with one. */
const inSentences = ['can', 'cannot', 'created', 'creates', 'did', 'does', 'has', 'is', 'supports', 'turns']

/**
 * Every command in a text. A command ends at the end of its line or at a backquote; quotes are read as in a shell, so
 * that a name may contain anything.
 */
export function printedCommands(text: string): PrintedCommand[] {
  const found: PrintedCommand[] = []
  // The synopsis of a help text is not a command to be copied.
  text = text.replace(/^ *USAGE\n( +\$ .*\n?(?: {6,}.*\n?)*)+/gm, '')
  // Nor is the source of a routine with its header, which a dry run prints.
  text = text.replace(/^(?:-- .*\n)*create (?:or replace )?(?:function|procedure)[\s\S]*?(\$\w*\$)[\s\S]*?\1/gm, '')
  const typed = new RegExp(String.raw`(?<![\w./-])${binary} (?!(?:${inSentences.join('|')})\b)(?=[a-z])`, 'g')
  for (const match of text.matchAll(typed)) {
    const read = shellWords(text, match.index)
    found.push({text: text.slice(match.index, read.end), words: read.words.slice(1)})
  }
  return found
}

/** Characters with a meaning in a shell unless they are quoted. */
const special = /["$();&|<>*?[\]#~!{}]/

function shellWords(text: string, from: number): {words: string[]; end: number} {
  const words: string[] = []
  let word: string | null = null
  let at = from
  for (; at < text.length; at += 1) {
    const sign = text[at]!
    if (sign === "'") {
      const close = text.indexOf("'", at + 1)
      if (close < 0) throw new Error(`an open quote in: ${text.slice(from, from + 200)}`)
      word = (word ?? '') + text.slice(at + 1, close)
      at = close
    } else if (sign === '\\') {
      at += 1
      word = (word ?? '') + (text[at] ?? '')
    } else if (sign === '\n' || sign === '`') break
    else if (special.test(sign)) throw new Error(`a shell would not pass "${sign}" on in: ${text.slice(from, at + 1)}`)
    else if (sign === ' ') {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + sign
  }
  if (word !== null) words.push(word)
  return {words, end: at}
}

let loaded: Promise<Config> | undefined

/**
 * Parses a command with the program's own parser: the command must exist, and every flag and value must be accepted.
 */
export async function parsePrinted({text, words}: PrintedCommand): Promise<ParsedCommand> {
  loaded ??= Config.load({root})
  const config = await loaded
  if (words.at(-1) === '--help') words = words.slice(0, -1)
  if (words.length < text.split(' ').length - 1 && config.topics.some(({name}) => name === words.join(':')))
    return {id: words.join(' '), args: {}, flags: {help: true}}
  for (let count = words.length; count > 0; count -= 1) {
    const known = config.findCommand(words.slice(0, count).join(':'))
    if (known === undefined) continue
    const command = (await known.load()) as Command.Class
    try {
      if (text.endsWith(' --help')) return {id: known.id.replaceAll(':', ' '), args: {}, flags: {help: true}}
      const {args, flags} = await Parser.parse(words.slice(count), {
        args: command.args,
        // oclif itself adds --json when it runs a command.
        flags: {...(command.enableJsonFlag && {json: Flags.boolean()}), ...command.baseFlags, ...command.flags},
        strict: command.strict !== false,
        '--': true,
      })
      return {id: known.id.replaceAll(':', ' '), args, flags}
    } catch (error) {
      throw new Error(`the tool refuses what it printed: ${text}\n${(error as Error).message}`)
    }
  }
  throw new Error(`there is no such command: ${text}`)
}

/** Fails on the first command in a text that the program's own parser refuses. Returns all of them, parsed. */
export async function expectCommandsParse(text: string): Promise<ParsedCommand[]> {
  const parsed: ParsedCommand[] = []
  for (const printed of printedCommands(text)) {
    const read = await parsePrinted(printed).catch((error: unknown) => error as Error)
    expect(read, `${printed.text}\nin: ${text.slice(0, 2000)}`).not.toBeInstanceOf(Error)
    parsed.push(read as ParsedCommand)
  }
  return parsed
}
