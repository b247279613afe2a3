import {Args} from '@oclif/core'
import {BaseCommand} from '../cli/base-command.js'
import {shells, type Shell} from '../cli/completion/scripts.js'

interface CompletionReport {
  kind: 'completion'
  version: 1
  target: null
  at: string
  shell: Shell
  script: string
}

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print the script that completes commands, flags and names in a shell.'
  static override description =
    'Completes commands, flags, fixed values, targets, tables, aggregates and jobs. Names come from the ' +
    'configuration file and the built-in definitions; it never connects to a database.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> bash >> ~/.bashrc',
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/qicore-db.fish',
  ]
  static override args = {shell: Args.string({description: 'shell', options: [...shells], required: true})}

  async run(): Promise<CompletionReport> {
    const {completionScripts} = await import('../cli/completion/scripts.js')
    const shell = this.args.shell as Shell
    const script = completionScripts[shell]
    this.logRaw(script.trimEnd())
    return {kind: 'completion', version: 1, target: null, at: new Date().toISOString(), shell, script}
  }
}
