import {Config, Help, type Command} from '@oclif/core'
import {root} from './build.js'

/** The program as oclif loads it, with the commands of this package only. */
export async function ourCommands(): Promise<{config: Config; commands: Command.Loadable[]}> {
  const config = await Config.load({root})
  return {config, commands: config.commands.filter(({pluginName}) => pluginName === config.name)}
}

/** What `--help` prints on a terminal of 80 columns. */
export function helpOf(config: Config, command: Command.Loadable): string {
  const help = new Help(config, {stripAnsi: true, maxWidth: 80}) as unknown as {formatCommand(command: unknown): string}
  return help.formatCommand({...command, aliases: [...(command.aliases ?? [])]})
}

/** The words of a command line up to its command or topic, and the flags after them. */
export function commandIn(line: string, names: readonly string[]): {name: string | null; flags: string[]} {
  const words = line.trim().split(/\s+/)
  const ids = new Set(names.map((name) => name.replaceAll(':', ' ')))
  let name: string | null = null
  for (let count = 1; count <= words.length; count += 1) {
    const candidate = words.slice(0, count).join(' ').replaceAll(':', ' ')
    if (ids.has(candidate)) name = candidate
  }
  const flags = words
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.replace(/=.*/, '').replace(/[^\w-]+$/, ''))
  return {name, flags}
}
