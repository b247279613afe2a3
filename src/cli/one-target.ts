import {usageError} from '../errors.js'
import {command, commandLine, withoutDatabase} from '../units/command.js'
import {isGlob} from '../units/glob.js'

/** A command line that selects many targets. */
interface ManyTargets {
  /** Names, groups and patterns; empty for --all-targets. */
  selectors: string[]
  /** The other words. */
  rest: string[]
}

/** What an unparsed command line says about many targets; null if it does not. */
function manyTargets(argv: readonly string[]): ManyTargets | null {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  const selectors: string[] = []
  const rest: string[] = []
  let found = false
  for (let index = 0; index < words.length; index += 1) {
    const [name, ...value] = words[index]!.split('=')
    if (name === '--all-targets') found = true
    else if (name === '--targets') {
      found = true
      const given = value.length > 0 ? value.join('=') : (words[(index += 1)] ?? '')
      selectors.push(...given.split(',').filter((each) => each !== ''))
    } else rest.push(words[index]!)
  }
  return found ? {selectors, rest: [...rest, ...argv.slice(words.length)]} : null
}

/**
 * Refuses --targets and --all-targets for a command that works on one database; does nothing for a command without one.
 * @param argv unparsed
 * @throws OpsError ONE_TARGET with the command for one target
 */
export async function refuseManyTargets(id: string, argv: readonly string[]): Promise<void> {
  const many = manyTargets(argv)
  if (many === null || withoutDatabase.has(id)) return
  const {selectors, rest} = many
  const name = selectors.find((each) => !isGlob(each)) ?? (await firstTarget())
  const end = rest.includes('--') ? rest.indexOf('--') : rest.length
  const alone = (target: string) => [...rest.slice(0, end), '--target', target, ...rest.slice(end)]
  throw usageError('ONE_TARGET', `${id} works on one target, so it has no --targets and no --all-targets.`, [
    name === undefined ? 'Select it with --target.' : `Select it: ${commandLine(id, alone(name))}`,
    ...(id === 'policies apply'
      ? [
          'To plan many, with a file for each: ' +
            `${command('policies plan', [], {'all-targets': true, 'out-dir': 'plans'})}`,
        ]
      : []),
  ])
}

/** Of the configuration here; undefined if it has none or is wrong. */
async function firstTarget(): Promise<string | undefined> {
  const {findConfigFile, loadConfig} = await import('../config/load.js')
  const file = findConfigFile(process.cwd())
  const config = file === null ? null : await loadConfig(file).catch(() => null)
  return Object.keys(config?.targets ?? {})[0]
}
