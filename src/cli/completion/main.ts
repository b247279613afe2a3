import {readFileSync} from 'node:fs'
import {helpTopics} from '../help-topics.js'
import {complete, type Program} from './complete.js'
import {namesOf} from './names.js'

/**
 * What the scripts of `completion` call: prints a line for each word that may come next, with its description after a
 * tab, and `:files` where the shell is to complete names of files. It loads neither oclif nor a command, and is silent
 * where it fails: a person is typing.
 */
export async function printCompletions(words: readonly string[]): Promise<void> {
  try {
    const found = await complete(words, readProgram(), (kind) => namesOf(kind, words, process.cwd(), process.env))
    const lines = found.words.map(([word, description]) => `${word}\t${description.replace(/[\t\n]/g, ' ')}`)
    process.stdout.write([...lines, ...(found.files ? [':files'] : [])].map((line) => `${line}\n`).join(''))
  } catch {
    process.exitCode = 1
  }
}

function readProgram(): Program {
  const json = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8'))
  const {oclif} = json('package.json') as {oclif: {topics: Record<string, {description: string}>}}
  const {commands} = json('oclif.manifest.json') as Pick<Program, 'commands'>
  const describe = <T extends object>(entries: [string, T][], text: (entry: T) => string) =>
    Object.fromEntries(entries.map(([name, entry]) => [name, text(entry)]))
  return {
    commands,
    topics: describe(Object.entries(oclif.topics), ({description}) => description),
    helpTopics: describe(
      helpTopics.map((topic) => [topic.name, topic]),
      ({summary}) => summary,
    ),
  }
}
