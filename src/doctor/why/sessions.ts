import {endingSql, firstBlocker} from '../../activity/blocking-tree.js'
import type {Session} from '../../activity/sessions.js'
import {SqlState} from '../../db/sqlstate.js'
import {command} from '../../units/command.js'
import type {Cause, Evidence} from './explanation.js'

/** Sessions that are named; the rest is counted. */
const named = 3

const lockErrors: ReadonlySet<string> = new Set([SqlState.lockNotAvailable, SqlState.deadlock, SqlState.canceled])

/** The sessions that hold or want locks on what it works on. @param sessions ordered by blocker */
export function lockEvidence(sessions: readonly Session[]): Evidence[] {
  const rest = sessions.length - named
  return [
    ...sessions.slice(0, named).map(({pid, kind, application, state, waitsFor, blocks}): Evidence => {
      const who = `pid ${pid} (${application ?? kind.replaceAll('_', ' ')})`
      const waits = waitsFor?.mode == null ? 'holds a lock on the table' : `waits for ${waitsFor.mode}`
      const blocking = blocks === 0 ? '' : `, blocks ${blocks} other${blocks === 1 ? '' : 's'}`
      return {topic: 'lock', message: `${who} ${waits}${state === null ? '' : `, ${state}`}${blocking}.`}
    }),
    ...(rest > 0 ? [{topic: 'lock' as const, message: `${rest} more sessions hold or want locks on the table.`}] : []),
  ]
}

/** The session that others wait for; null where none waits. @param sessions ordered by blocker */
export function blockedCause(sessions: readonly Session[]): Cause | null {
  const holder = firstBlocker(sessions)
  if (holder === null) return null
  const {pid, application, kind, blocks} = holder
  return {
    code: 'blocked',
    message:
      `Pid ${pid} (${application ?? kind}) holds a lock on the table, and ${blocks} ` +
      `session${blocks === 1 ? '' : 's'} wait${blocks === 1 ? 's' : ''} for it.`,
    fix: {kind: 'sql', text: endingSql(holder)},
  }
}

/**
 * What a lock explains of a run that failed: the session that blocks now, or that it gave up waiting.
 * @param state the SQLSTATE of its error
 */
export function lockCause(sessions: readonly Session[], state: string | null): Cause | null {
  const blocked = blockedCause(sessions)
  if (blocked !== null) return blocked
  if (state === null || !lockErrors.has(state)) return null
  return {
    code: 'lock_wait',
    message: `Its last run gave up waiting for a lock or was cancelled [${state}]; no session blocks the table now.`,
    fix: {kind: 'command', text: command('activity')},
  }
}
