import {createInterface} from 'node:readline'
import {listened} from './early-signals.js'
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

/** The database that the operator confirms. */
export interface ConsentTarget {
  /** What is typed: the target's name in the configuration, else the database's. */
  name: string
  /** The configuration requires the name also for changes that are hard to undo. */
  protected: boolean
}

export function consentTarget(target: Target, server: Server): ConsentTarget {
  return {name: target.name ?? server.database, protected: target.protected}
}

/**
 * Asks for the confirmation that the class of a change requires: none, a yes, or the typed name of the target.
 * @param show prints the plan before the question, or if there is no terminal
 * @throws OpsError NOT_CONFIRMED (exit 7); INTERRUPTED (exit 130) on Ctrl-C and Ctrl-D; nothing has been changed then
 */
export async function requireConsent(
  kind: ChangeClass,
  target: ConsentTarget,
  answers: Answers,
  interactive: boolean,
  show: () => void,
): Promise<void> {
  if (kind === 'safe') return
  const {name} = target
  const byName = kind === 'loss' || target.protected
  if (answers.confirm !== undefined && answers.confirm !== name)
    throw confirmationError(`--confirm says "${answers.confirm}", but this is "${name}".`, name, byName)
  if (answers.confirm === name || (!byName && answers.yes)) return
  show()
  if (!interactive) throw confirmationError(`${withoutTerminal(kind, target)} for the confirmation.`, name, byName)
  const answer = await ask(question(kind, target))
  if (byName ? answer !== name : !/^y(es)?$/i.test(answer)) throw confirmationError('Not confirmed.', name, byName)
}

function withoutTerminal(kind: ChangeClass, {name, protected: isProtected}: ConsentTarget): string {
  if (kind === 'loss') return 'This would delete data and there is no terminal'
  return isProtected
    ? `This is hard to undo, the target ${name} is protected, and there is no terminal`
    : 'This is hard to undo and there is no terminal'
}

function question(kind: ChangeClass, {name, protected: isProtected}: ConsentTarget): string {
  if (kind === 'loss') return `This deletes data. Type the target's name, "${name}", to continue: `
  return isProtected
    ? `This is hard to undo, and the target is protected. Type the target's name, "${name}", to continue: `
    : 'Continue? [y/N] '
}

function confirmationError(reason: string, name: string, byName: boolean): OpsError {
  return new OpsError('NOT_CONFIRMED', `${reason} Nothing was changed.`, {
    exit: ExitCode.refused,
    suggestions: [
      byName ? `In a script: --confirm ${name} (--yes is not enough).` : 'In a script: --yes.',
      '--dry-run shows what would be done.',
    ],
  })
}

/**
 * Ctrl-C closes the terminal and Ctrl-D ends the input; both must end the question, and so must a signal.
 * @throws OpsError INTERRUPTED
 */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  const close = () => terminal.close()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, close)
  const ended = listened()
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.once('close', () => {
        process.stderr.write('\n')
        reject(new OpsError('INTERRUPTED', 'Interrupted. Nothing was changed.', {exit: ExitCode.interrupted}))
      })
      terminal.question(fitWidth(question, stderrWidth()), (answer) => resolve(answer.trim()))
    })
  } finally {
    ended()
    for (const signal of signals) process.off(signal, close)
    terminal.removeAllListeners('close')
    terminal.close()
  }
}
