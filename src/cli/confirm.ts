import {createInterface} from 'node:readline/promises'
import type {Target} from '../db/database.js'
import type {Server} from '../db/server.js'
import {ExitCode, OpsError} from '../errors.js'
import type {ChangeClass} from '../plan/step.js'

export interface Answers {
  yes: boolean
  confirm?: string | undefined
}

/** The name that stands for a target where data would be lost: the config's, or the database's own. */
export function confirmName(target: Target, server: Server): string {
  return target.name ?? server.database
}

/**
 * Asks what the class of a change asks: nothing, a yes, or the name of the target typed.
 * @param show prints the plan before a person is asked
 * @throws OpsError NOT_CONFIRMED (exit 7), with nothing done
 */
export async function requireConsent(kind: ChangeClass, name: string, answers: Answers, interactive: boolean, show: () => void): Promise<void> {
  if (kind === 'safe') return
  if (answers.confirm !== undefined && answers.confirm !== name)
    throw refuse(`--confirm says "${answers.confirm}", but this is "${name}".`, name, kind)
  if (answers.confirm === name || (kind === 'undo' && answers.yes)) return
  if (!interactive)
    throw refuse(kind === 'loss' ? 'This loses data, and nobody is here to confirm it.' : 'This is hard to undo, and nobody is here to confirm it.', name, kind)
  show()
  const answer = await ask(kind === 'loss' ? `This loses data. Type ${name} to go on: ` : 'Go on? [y/N] ')
  if (kind === 'loss' ? answer !== name : !/^y(es)?$/i.test(answer)) throw refuse('Not confirmed.', name, kind)
}

function refuse(reason: string, name: string, kind: ChangeClass): OpsError {
  return new OpsError('NOT_CONFIRMED', `${reason} Nothing was done.`, {
    exit: ExitCode.refused,
    suggestions: [kind === 'loss' ? `--confirm ${name} is the answer for scripts; --yes is not enough.` : '--yes is the answer for scripts.', '--dry-run shows what would be done.'],
  })
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  try {
    return (await terminal.question(question)).trim()
  } finally {
    terminal.close()
  }
}
