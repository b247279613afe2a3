import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import type {Command} from '@oclif/core'
import {describe, expect, it} from 'vitest'
import {root} from '../helpers/build.js'
import {commandIn, helpOf, ourCommands} from '../helpers/manifest.js'

const {config, commands} = await ourCommands()
/** One sentence that a terminal of 80 columns does not break: oclif does not wrap the first line of a help. */
const firstLine = /^[A-Z`].{0,78}\.$/
const script = (name: string) =>
  spawnSync(process.execPath, [join(root, 'scripts', name), '--check'], {encoding: 'utf8'})

describe('generated files that are committed', () => {
  it.each(['manifest.mjs', 'reference.mjs', 'config-schema.mjs'])('%s would write the same file', (name) => {
    const {status, stderr} = script(name)
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })
})

it('every topic is described, and no topic is empty', () => {
  const described = Object.keys((config.pjson.oclif.topics ?? {}) as object).sort()
  const topics = new Set(
    commands.flatMap(({id}) =>
      id
        .split(':')
        .slice(0, -1)
        .map((_, index, parents) => parents.slice(0, index + 1).join(':')),
    ),
  )
  expect([...topics].sort(), 'oclif.topics of package.json').toEqual(described)
  for (const topic of described)
    expect(config.topics.find(({name}) => name === topic)?.description, topic).toMatch(firstLine)
})

describe.each(commands.map((command) => [command.id.replaceAll(':', ' '), command] as const))('%s', (name, command) => {
  it('has a summary and examples that the command accepts', () => {
    expect(command.summary, 'summary: one sentence').toMatch(firstLine)
    const examples = examplesOf(command)
    expect(examples.length, 'examples').toBeGreaterThan(0)
    for (const example of examples) {
      const {name: called, flags} = commandIn(example.replace(/^\S+ /, ''), config.commandIDs)
      expect(called, example).toBe(name)
      expect(
        flags.filter((flag) => !takes(command, flag)),
        example,
      ).toEqual([])
    }
  })

  it('describes every flag and argument', () => {
    const silent = [...Object.entries(command.flags), ...Object.entries(command.args)]
      .filter(([, thing]) => !(thing as {summary?: string}).summary && !thing.description)
      .map(([of]) => of)
    expect(silent).toEqual([])
    // A name for its value, or the list of allowed values, says more than <value>.
    const nameless = Object.entries(command.flags).filter(
      ([, flag]) => flag.type === 'option' && !flag.helpValue && !flag.options?.length,
    )
    expect(
      nameless.map(([of]) => of),
      'helpValue',
    ).toEqual([])
  })

  it('has a help of 80 columns without line breaks inside paragraphs', () => {
    // An example is a single line, so that it can be copied.
    const wide = helpOf(config, command)
      .split('\n')
      .filter((line) => [...line].length > 80 && !line.startsWith('  $ '))
    expect(wide).toEqual([])
    expect(
      command.description?.match(/[^\n.:]\n(?![\n\s-])[^\n]*/g) ?? [],
      'oclif wraps: a paragraph is one line',
    ).toEqual([])
  })
})

function examplesOf(command: Command.Loadable): string[] {
  const texts = (command.examples ?? []).map((example) => (typeof example === 'string' ? example : example.command))
  return texts
    .flatMap((text) => text.split('\n'))
    .map((line) =>
      line
        .replace('<%= config.bin %>', config.bin)
        .replace('<%= command.id %>', command.id.replaceAll(':', ' '))
        .replace(/^\$ /, ''),
    )
    .filter((line) => line.startsWith(`${config.bin} `))
}

function takes(command: Command.Loadable, flag: string): boolean {
  if (['--help', '--json'].includes(flag)) return true
  return Object.entries(command.flags).some(
    ([name, {char, type}]) =>
      flag === `--${name}` || flag === `-${char}` || (type === 'boolean' && flag === `--no-${name}`),
  )
}
