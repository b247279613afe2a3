import {failedAfterCommit} from '../../policies/status/job-error.js'
import type {PolicyProblem, PolicyProblemCode, PolicyStatus} from '../../policies/status/types.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween} from '../../units/instant.js'
import {asSentence} from '../../units/sentence.js'
import {databaseCandidates} from './database.js'
import {likeliest, type Cause, type Depth} from './explanation.js'
import type {PolicyFacts} from './policy-facts.js'
import {lockCause} from './sessions.js'
import {overdueSeconds} from './times.js'

/** Which problem explains the others. */
const depthOf: Readonly<Record<PolicyProblemCode, Depth>> = {
  not_a_hypertable: 'cannot_run',
  apache_edition: 'cannot_run',
  key_unsupported: 'cannot_run',
  age_out_of_range: 'cannot_run',
  uuid_unsupported: 'cannot_run',
  created_before_unsupported: 'cannot_run',
  no_clock: 'cannot_run',
  wrong_unit: 'cannot_run',
  missing: 'incomplete',
  gate_procedure_missing: 'incomplete',
  owner_cannot_login: 'incomplete',
  owner_reads_only: 'incomplete',
  job_missing: 'incomplete',
  paused: 'held_back',
  not_confirmed: 'held_back',
  job_not_confirmed: 'held_back',
  policy_twice: 'held_back',
  no_runner: 'no_runner',
  runner_not_running: 'no_runner',
  last_error: 'ran',
  not_done: 'not_done',
  no_privilege: 'not_known',
  unknown: 'not_known',
  errors_not_visible: 'not_visible',
}

/** Null where nothing is wrong: neither with the policy nor with its work. */
export function policyCause(facts: PolicyFacts): Cause | null {
  const {status, server} = facts
  if (status.ok === true && status.problems.length === 0) return null
  const own = status.problems.map((problem) => ({depth: depthIn(status, problem), ...refined(facts, problem)}))
  return likeliest([...databaseCandidates(server), ...own])
}

/** An error after the COMMIT of a run explains nothing else. */
function depthIn({lastError}: PolicyStatus, {code}: PolicyProblem): Depth {
  const committed = code === 'last_error' && lastError !== null && failedAfterCommit(lastError)
  return committed ? 'not_visible' : depthOf[code]
}

/** A lock explains an error of a lock, and work that is not done though no error is recorded. */
function refined(facts: PolicyFacts, problem: PolicyProblem): Cause {
  const {status, sessions} = facts
  if (problem.code === 'last_error')
    return lockCause(sessions, status.lastError?.state ?? null) ?? errorCause(status, problem)
  if (problem.code === 'not_done') return lockCause(sessions, null) ?? scheduleCause(facts, problem) ?? causeOf(problem)
  return causeOf(problem)
}

function causeOf({code, cause, fix}: PolicyProblem): Cause {
  return {code, message: asSentence(cause), fix}
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
      message:
        `The next run of job ${jobId} should have begun ${formatAge(secondsBetween(nextRunAt, at))} ago: the ` +
        'scheduler has no free worker for it.',
      fix: work.fix,
    }
  if (lastRunAt !== null) return null
  const next =
    nextRunAt === null ? 'no run is planned' : `its first run is in ${formatAge(secondsBetween(at, nextRunAt))}`
  return {code: 'never_ran', message: `Job ${jobId} has never run, and ${next}.`, fix: work.fix}
}
