import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {helpTopic} from '../../src/cli/help-topics.js'
import {ExitCode, exitCodeMeaning} from '../../src/errors.js'
import {root} from '../helpers/build.js'
import {commandIn, ourCommands} from '../helpers/manifest.js'

const text = (name: string) => readFileSync(join(root, name), 'utf8')
const readme = text('README.md')
const {config, commands} = await ourCommands()
const {scripts} = JSON.parse(text('package.json')) as {scripts: Record<string, string>}

/** Every call of the program in a text: lines of code blocks, and `code` in sentences. */
function callsIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```.*\n([\s\S]*?)^```/gm)].flatMap(([, block]) => block!.split('\n'))
  const inline = [...markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
  return [...blocks, ...inline].flatMap((line) => {
    const call = /(?:^|[\s$;&|(])(?:npx )?qicore-db ([a-z-][^#|;&)]*)/.exec(line.replace(/^\$ /, ''))
    return call ? [call[1]!.trim()] : []
  })
}

describe.each(['README.md', 'CONTRIBUTING.md'])('%s', (name) => {
  it('calls only existing commands and flags', () => {
    const names = [...commands.map(({id}) => id), ...config.topics.map((topic) => topic.name)]
    const wrong = callsIn(text(name)).filter((call) => {
      if (call.startsWith('-')) return !/^--(version|help)$/.test(call)
      if (call.startsWith('help ')) return helpTopic(call.slice('help '.length)) === null
      const {name: called, flags} = commandIn(call, names)
      if (called === null) return true
      const next = call.split(/\s+/)[called.split(' ').length]
      const command = commands.find(({id}) => id.replaceAll(':', ' ') === called)
      // A word after a command without arguments is a subcommand that does not exist.
      if (next !== undefined && !next.startsWith('-') && Object.keys(command?.args ?? {}).length === 0) return true
      const known = new Set([
        '--json',
        '--help',
        ...Object.entries(command?.flags ?? {}).flatMap(([flag, {char}]) => [`--${flag}`, `-${char}`]),
      ])
      return flags.some((flag) => !known.has(flag))
    })
    expect(wrong).toEqual([])
  })

  it('names only scripts of package.json', () => {
    const run = [...text(name).matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script!)
    expect(run.filter((script) => !(script in scripts))).toEqual([])
    if (/npm test/.test(text(name))) expect(scripts).toHaveProperty('test')
  })
})

/** GitHub's name for a heading: lower case, without punctuation, spaces as hyphens. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

const documents = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)

it.each(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...documents])(
  '%s links only to existing files and headings',
  (name) => {
    const links = [...text(name).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)]
    const missing = links.filter(([, path, heading]) => {
      const target = path === '' ? name : join(dirname(name), path!)
      if (!existsSync(join(root, target))) return true
      if (heading === undefined) return false
      return ![...text(target).matchAll(/^#+ (.+)$/gm)].some(([, title]) => anchor(title!) === heading)
    })
    expect(missing.map(([link]) => link)).toEqual([])
  },
)

it('the exit codes in the README are those of the program', () => {
  const table = [...readme.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [Number(code), meaning])
  expect(table).toEqual(
    Object.entries(ExitCode).map(([name, code]) => [code, exitCodeMeaning[name as keyof typeof ExitCode]]),
  )
})

it('the README has the command that .ci/run runs', () => {
  expect(readme).toContain('npm ci && npm test')
  expect(text('.ci/run')).toContain('npm ci && npm test')
})
