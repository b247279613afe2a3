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

const startHere = `START HERE
${startWith.map(([typed, what]) => `  ${typed.padEnd(27)}  ${what}`).join('\n')}

  A database of your own: export QICORE_DB_URL=postgres://role@host/database`

const docs = `DOCUMENTATION
  README.md and docs/ in the package (node_modules/qicore-db): docs/reference.md has
  every command; others the configuration, policies, the daemon and the library.`

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
    const topics = helpTopics.map(({name, summary}) => `  ${command(`help ${name}`).padEnd(27)}  ${summary}`)
    this.log([startHere, `EXIT CODES\n${exitCodes()}`, `HELP ON\n${topics.join('\n')}`, docs].join('\n\n'))
  }

  protected override log(...texts: string[]): void {
    super.log(fitWidth(withInvocation(texts.join('\n'), process.stdout), lineWidth(process.stdout)))
  }
}
