import type {Hook} from '@oclif/core'
import {usageError} from '../errors.js'

/** oclif's own answer is one line without a next step, and under --json no document at all. */
const hook: Hook<'command_not_found'> = async function ({config, id, argv = []}) {
  const typed = [id.replaceAll(':', ' '), ...argv.filter((word) => !word.startsWith('-'))]
  const known = [...config.commandIDs, ...config.topics.map(({name}) => name)].map((name) => name.replaceAll(':', ' '))
  const closest = nearest(typed, known)
  const error = usageError('NO_COMMAND', `There is no command "${typed[0]}".`, [
    ...(closest === null ? [] : [`Did you mean ${config.bin} ${closest}?`]),
    `${config.bin} --help lists the commands.`,
  ])
  if (!argv.includes('--json')) throw error
  process.stdout.write(`${JSON.stringify({error}, null, 2)}\n`)
  process.exitCode = error.exitCode
}
export default hook

/** The known command that is at most three slips of the finger away, or null. */
function nearest(typed: readonly string[], known: readonly string[]): string | null {
  let best: {name: string; distance: number} | null = null
  for (const name of known) {
    const words = name.split(' ').length
    const distance = slips(typed.slice(0, words).join(' '), name)
    // Of two that are equally near the longer one explains more of what was typed.
    if (best === null || distance < best.distance || (distance === best.distance && name.length > best.name.length)) best = {name, distance}
  }
  return best !== null && best.distance <= Math.min(3, best.name.length / 2) ? best.name : null
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word of the other. */
function slips(from: string, to: string): number {
  const table = [Array.from({length: to.length + 1}, (_, column) => column)]
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      let least = Math.min(table[i - 1]![j]! + 1, row[j - 1]! + 1, table[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) least = Math.min(least, table[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    table.push(row)
  }
  return table[from.length]![to.length]!
}
