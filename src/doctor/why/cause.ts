import {endingSql, firstBlocker} from '../../activity/blocking-tree.js'
import {SqlState} from '../../db/sqlstate.js'
import type {PolicyProblem, PolicyProblemCode, PolicyStatus} from '../../policies/status-types.js'
import {command} from '../../units/command.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween} from '../../units/instant.js'
import type {Fix} from '../finding.js'
import {asSentence} from '../shared.js'
import type {PolicyFacts} from './facts.js'

/** The cause that is most likely, and the one thing to do. */
export interface Cause {
  code: string
  /** One sentence. */
  message: string
  fix: Fix | null
}

/**
 * Which problem explains the others: the lowest. A policy that cannot run at all is late and has no runner, but neither
 * is why.
 */
const rank: Readonly<Record<PolicyProblemCode, number>> = {
  // It cannot run, whatever is done with its job.
  not_a_hypertable: 0,
  apache_edition: 0,
  key_unsupported: 0,
  uuid_unsupported: 0,
  created_before_unsupported: 0,
  no_clock: 0,
  wrong_unit: 0,
  // It is not there as a whole.
  missing: 1,
  gate_procedure_missing: 1,
  owner_cannot_login: 1,
  job_missing: 1,
  // It is kept from running.
  paused: 2,
  not_confirmed: 2,
  job_not_confirmed: 2,
  policy_twice: 2,
  // Nothing runs it.
  no_runner: 3,
  runner_not_running: 3,
  // It ran.
  last_error: 4,
  not_done: 5,
  no_privilege: 6,
  unknown: 6,
  errors_not_visible: 7,
}

/** Null where nothing is wrong: neither with the policy nor with its work. */
export function likelyCause(facts: PolicyFacts): Cause | null {
  const {status, conditions} = facts
  if (status.ok === true && status.problems.length === 0) return null
  const [halfState] = conditions
  if (halfState !== undefined) return halfState
  const [first] = [...status.problems].sort((a, b) => rank[a.code] - rank[b.code])
  if (first === undefined) return null
  // A lock explains an error of a lock, and work that is not done though no error is recorded.
  if (first.code === 'last_error') return lockCause(facts, first) ?? errorCause(status, first)
  if (first.code === 'not_done') return lockCause(facts, first) ?? scheduleCause(facts, first) ?? causeOf(first)
  return causeOf(first)
}

function causeOf({code, cause, fix}: PolicyProblem): Cause {
  return {code, message: asSentence(cause), fix}
}

const lockErrors: ReadonlySet<string> = new Set([SqlState.lockNotAvailable, SqlState.deadlock, SqlState.canceled])

function lockCause({status, sessions}: PolicyFacts, problem: PolicyProblem): Cause | null {
  const state = status.lastError?.state ?? null
  const holder = firstBlocker(sessions)
  const aboutLocks = state !== null && lockErrors.has(state)
  if (holder === null)
    return aboutLocks && problem.code === 'last_error'
      ? {
          code: 'lock_wait',
          message: `Its last run gave up waiting for a lock or was cancelled [${state}]; no session blocks the table now.`,
          fix: {kind: 'command', text: command('activity')},
        }
      : null
  return {
    code: 'blocked',
    message: `Pid ${holder.pid} (${holder.application ?? holder.kind}) holds a lock on the table, and ${holder.blocks} session${holder.blocks === 1 ? '' : 's'} wait${holder.blocks === 1 ? 's' : ''} for it.`,
    fix: {kind: 'sql', text: endingSql(holder)},
  }
}

/** The error of a run is why its work is not done; the fix is that of the work, which a person can do at once. */
function errorCause({problems}: PolicyStatus, first: PolicyProblem): Cause {
  const work = problems.find(({code}) => code === 'not_done')
  return {...causeOf(first), fix: first.fix ?? work?.fix ?? null}
}

/** Work that is not done because its job has not been at it yet, or not when it should have been. */
function scheduleCause({status, at}: PolicyFacts, work: PolicyProblem): Cause | null {
  const {jobId, lastRunAt, nextRunAt} = status
  if (jobId === null) return null
  if (nextRunAt !== null && secondsBetween(nextRunAt, at) > overdueSeconds)
    return {
      code: 'run_overdue',
      message: `The next run of job ${jobId} should have begun ${formatAge(secondsBetween(nextRunAt, at))} ago: the scheduler has no free worker for it.`,
      fix: work.fix,
    }
  if (lastRunAt !== null) return null
  const next =
    nextRunAt === null ? 'no run is planned' : `its first run is in ${formatAge(secondsBetween(at, nextRunAt))}`
  return {code: 'never_ran', message: `Job ${jobId} has never run, and ${next}.`, fix: work.fix}
}

/** The scheduler looks once a second and starts what is due; a minute later it did not find a worker. */
const overdueSeconds = 60
