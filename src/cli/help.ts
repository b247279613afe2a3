import {Help} from '@oclif/core'
import {ExitCode, exitCodeMeaning} from '../errors.js'
import {binary, command} from '../units/command.js'
import {withInvocation} from './invocation.js'
import {fitWidth} from './render/text.js'
import {lineWidth} from './terminal.js'

const startWith: readonly (readonly [string, string])[] = [
  [command('demo'), 'try it: an embedded TimescaleDB with a sample market'],
  [command('stats'), 'sizes and compression of the configured database'],
  [command('policies status'), 'what the policies should have done and have not'],
  [command('config show'), 'the configuration, and the database it leads to'],
  [`${binary} <command> --help`, 'flags and examples; -h works too'],
]

const startHere = `START HERE
${startWith.map(([typed, what]) => `  ${typed.padEnd(27)}  ${what}`).join('\n')}

  A database of your own: export QICORE_DB_URL=postgres://role@host/database`

const docs = `DOCUMENTATION
  README.md and docs/ in the package (node_modules/qicore-db): docs/reference.md has
  every command; others the configuration, policies, the daemon and the library.`

/** oclif's help, with what a newcomer looks for at the end of the first page. */
export class QicoreHelp extends Help {
  override async showRootHelp(): Promise<void> {
    await super.showRootHelp()
    const codes = (Object.keys(ExitCode) as (keyof typeof ExitCode)[]).map(
      (name) => `  ${String(ExitCode[name]).padStart(3)}  ${exitCodeMeaning[name]}`,
    )
    this.log([startHere, `EXIT CODES\n${codes.join('\n')}`, docs].join('\n\n'))
  }

  protected override log(...texts: string[]): void {
    super.log(fitWidth(withInvocation(texts.join('\n'), process.stdout), lineWidth(process.stdout)))
  }
}
