import {createInterface} from 'node:readline'
import {fitWidth} from './render/text.js'
import {stderrWidth} from './terminal.js'
import type {Target} from '../db/database.js'
import type {Server} from '../db/server.js'
import {ExitCode, OpsError} from '../errors.js'
import type {ChangeClass} from '../run/step.js'

export interface Answers {
  yes: boolean
  confirm?: string | undefined
}

/**
 * The name that the operator must type if data would be lost: the target's name in the configuration, else the
 * database's.
 */
export function confirmName(target: Target, server: Server): string {
  return target.name ?? server.database
}

/**
 * Asks for the confirmation that the class of a change requires: none, a yes, or the typed name of the target.
 * @param show prints the plan before the question, or if there is no terminal
 * @throws OpsError NOT_CONFIRMED (exit 7); INTERRUPTED (exit 130) on Ctrl-C and Ctrl-D; nothing has been changed then
 */
export async function requireConsent(
  kind: ChangeClass,
  name: string,
  answers: Answers,
  interactive: boolean,
  show: () => void,
): Promise<void> {
  if (kind === 'safe') return
  if (answers.confirm !== undefined && answers.confirm !== name)
    throw confirmationError(`--confirm says "${answers.confirm}", but this is "${name}".`, name, kind)
  if (answers.confirm === name || (kind === 'undo' && answers.yes)) return
  show()
  if (!interactive)
    throw confirmationError(
      `This ${kind === 'loss' ? 'would delete data' : 'is hard to undo'} and there is no terminal for the confirmation.`,
      name,
      kind,
    )
  const answer = await ask(
    kind === 'loss' ? `This deletes data. Type the target's name, "${name}", to continue: ` : 'Continue? [y/N] ',
  )
  if (kind === 'loss' ? answer !== name : !/^y(es)?$/i.test(answer))
    throw confirmationError('Not confirmed.', name, kind)
}

function confirmationError(reason: string, name: string, kind: ChangeClass): OpsError {
  return new OpsError('NOT_CONFIRMED', `${reason} Nothing was changed.`, {
    exit: ExitCode.refused,
    suggestions: [
      kind === 'loss' ? `In a script: --confirm ${name} (--yes is not enough).` : 'In a script: --yes.',
      '--dry-run shows what would be done.',
    ],
  })
}

/**
 * Ctrl-C closes the terminal and Ctrl-D ends the input; both must end the question.
 * @throws OpsError INTERRUPTED
 */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.once('close', () => {
        process.stderr.write('\n')
        reject(new OpsError('INTERRUPTED', 'Interrupted. Nothing was changed.', {exit: ExitCode.interrupted}))
      })
      terminal.question(fitWidth(question, stderrWidth()), (answer) => resolve(answer.trim()))
    })
  } finally {
    terminal.removeAllListeners('close')
    terminal.close()
  }
}
