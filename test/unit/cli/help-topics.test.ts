import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {helpTopic, helpTopics, topicMarkdown, topicText} from '../../../src/cli/help-topics.js'
import {exitCodeMeaning, ExitCode, OpsError} from '../../../src/errors.js'
import {environmentVariables, qicoreVariables} from '../../../src/units/environment.js'
import {root} from '../../helpers/build.js'

const sources = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.ts') && name !== join('units', 'environment.ts'))
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
  .join('\n')

/** Every variable that the code reads: by name, by destructuring, and those of libpq by the table of its settings. */
function variablesOfTheCode(): Set<string> {
  const direct = [...sources.matchAll(/\benv\.(\w+)/g)].map(([, name]) => name!)
  const taken = [...sources.matchAll(/\{([\w, ]+)\} = process\.env/g)].flatMap(([, names]) => names!.split(', '))
  const libpq = [...sources.matchAll(/\b(PG[A-Z]{3,}(?:_[A-Z]+)?): '/g)].map(([, name]) => name!)
  return new Set([...direct, ...taken, ...libpq, ...Object.values(qicoreVariables)])
}

describe('the help on environment', () => {
  const listed = environmentVariables.flatMap(({names}) => names)

  it('has every variable that the code reads, and no other', () => {
    const read = variablesOfTheCode()
    expect(read.size).toBeGreaterThan(20)
    expect([...read].filter((name) => !listed.includes(name))).toEqual([])
    const used = (name: string) => read.has(name) || sources.includes(name)
    expect(listed.filter((name) => !used(name))).toEqual([])
    expect(new Set(listed).size).toBe(listed.length)
  })

  it('shows each of them', () => {
    const text = topicText(helpTopic('environment')!)
    for (const name of listed) expect(text).toContain(name)
  })
})

it('the help on exit codes has every code with its meaning', () => {
  const lines = topicText(helpTopic('exit-codes')!).split('\n')
  for (const [name, code] of Object.entries(ExitCode))
    expect(lines.map((line) => line.trim())).toContain(`${code}  ${exitCodeMeaning[name as keyof typeof ExitCode]}`)
  expect(lines.join('\n')).toContain('Scripts should treat an unknown code as a failure')
})

it('the help on JSON names every field of an error', () => {
  const text = topicText(helpTopic('json')!)
  for (const field of Object.keys(new OpsError('ANY', 'It failed.').toJSON())) expect(text).toContain(`"${field}"`)
})

it('the README and the reference print the same topics', () => {
  for (const page of ['README.md', 'docs/reference.md']) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const topic of helpTopics) expect(text, `${page}: ${topic.name}`).toContain(topicMarkdown(topic))
  }
})
