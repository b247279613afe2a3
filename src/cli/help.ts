import {Help} from '@oclif/core'
import {binary, command} from '../units/command.js'
import {helpTopic, helpTopics, topicText} from './help-topics.js'
import {withInvocation} from './invocation.js'
import {fitWidth} from './render/text.js'
import {lineWidth} from './terminal.js'

const startWith: readonly (readonly [string, string])[] = [
  [command('demo'), 'try it: an embedded TimescaleDB with a sample market'],
  [command('stats'), 'sizes and compression of the configured database'],
  [command('policies status'), 'work that the policies should have done and did not do'],
  [command('config show'), 'the configuration, and which database it selects'],
  [`${binary} <command> --help`, 'flags and examples; -h works too'],
]

/** Commands with their meanings, in columns if they fit; on a terminal as they must be typed there. */
function aligned(rows: readonly (readonly [typed: string, what: string])[]): string {
  const typed = rows.map(([each]) => withInvocation(each, process.stdout))
  const longest = Math.max(27, ...typed.map(({length}) => length))
  const lines = rows.map(([, what], index) => `  ${typed[index]!.padEnd(longest)}  ${what}`)
  const width = lineWidth(process.stdout) ?? Number.POSITIVE_INFINITY
  if (lines.every(({length}) => length <= width)) return lines.join('\n')
  return rows.map(([, what], index) => `  ${typed[index]}\n      ${what}`).join('\n')
}

const startHere = () => `START HERE
${aligned(startWith)}

  A database of your own: export QICORE_DB_URL=postgres://role@host/database`

const docs = `DOCUMENTATION
  README.md and docs/ in the package (node_modules/qicore-db). docs/reference.md
  has every command; others the configuration, policies, daemon and library.`

function exitCodes(): string {
  const table = helpTopic('exit-codes')!
  return topicText({...table, parts: table.parts.filter(({kind}) => kind === 'table')})
}

/** oclif's help, followed by the first steps for a new user. */
export class QicoreHelp extends Help {
  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => !word.startsWith('-'))
    const topic = words.length === 1 ? helpTopic(words[0]) : null
    if (topic === null) await super.showHelp(argv)
    else this.log(`${topic.summary}\n\n${topicText(topic)}`)
  }

  override async showRootHelp(): Promise<void> {
    await super.showRootHelp()
    const topics = helpTopics.map(({name, summary}) => [command(`help ${name}`), summary] as const)
    this.log([startHere(), `EXIT CODES\n${exitCodes()}`, `HELP ON\n${aligned(topics)}`, docs].join('\n\n'))
  }

  protected override log(...texts: string[]): void {
    super.log(fitWidth(withInvocation(texts.join('\n'), process.stdout), lineWidth(process.stdout)))
  }
}
