import type {Hook, Interfaces} from '@oclif/core'
import {usageError, type OpsError} from '../errors.js'
import {flagValue} from '../cli/argv.js'
import {repeatTyped} from '../cli/given-flags.js'
import {command} from '../units/command.js'
import {slips} from '../units/similar.js'

/** Replaces oclif's answer, which is one line without a next step and no document under --json. */
const hook: Hook<'command_not_found'> = async ({config, id, argv = []}) => {
  await repeatTyped({
    url: flagValue(argv, '--url'),
    target: flagValue(argv, '--target'),
    config: flagValue(argv, '--config'),
  })
  const error = notFoundError(config, [...id.split(':'), ...argv.filter((word) => !word.startsWith('-'))])
  if (!argv.includes('--json')) throw error
  process.stdout.write(`${JSON.stringify({error}, null, 2)}\n`)
  process.exitCode = error.exitCode
}
export default hook

/** Topic and verb are separated by a space, so a surplus argument looks like a verb. */
function notFoundError(config: Interfaces.Config, words: readonly string[]): OpsError {
  const {bin} = config
  let known = words.length
  while (
    known > 0 &&
    !config.findCommand(words.slice(0, known).join(':')) &&
    !config.findTopic(words.slice(0, known).join(':'))
  )
    known -= 1
  const found = words.slice(0, known)
  if (known > 0 && config.findCommand(found.join(':')))
    return usageError('USAGE', `\`${command(found.join(' '))}\` takes no arguments, but "${words[known]}" was given.`, [
      `See \`${command(`${found.join(' ')} --help`)}\`.`,
    ])
  const names = [...config.commandIDs, ...config.topics.map(({name}) => name)].map((name) => name.replaceAll(':', ' '))
  const closest = nearest(
    words,
    names.filter((name) => name.startsWith(found.join(' ')) && name !== found.join(' ')),
  )
  return usageError('NO_COMMAND', `There is no command "${words.slice(0, known + 1).join(' ')}".`, [
    ...(closest === null ? [] : [`Did you mean \`${command(closest)}\`?`]),
    known === 0
      ? `\`${bin} --help\` lists the commands.`
      : `\`${command(`${found.join(' ')} --help`)}\` lists the commands of this topic.`,
  ])
}

/** The known command at most three edits away, or null. */
function nearest(typed: readonly string[], known: readonly string[]): string | null {
  const candidates = known.map((name) => {
    const words = name.split(' ').length
    const distance = slips(typed.slice(0, words).join(' '), name)
    // If two commands are about equally close, the one with more words matches more of the input.
    return {name, distance, rank: distance - words}
  })
  const near = candidates.filter(({name, distance}) => distance <= Math.min(3, name.length / 2))
  return near.sort((a, b) => a.rank - b.rank || b.name.length - a.name.length)[0]?.name ?? null
}
