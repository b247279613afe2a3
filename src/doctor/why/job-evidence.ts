import {OpsError, withAdvice} from '../../errors.js'
import type {Occurrence} from '../../jobs/store/history.js'
import {stateInWords} from '../../pg-cron/findings.js'
import {durationInWords} from '../../units/duration.js'
import {formatAge} from '../../units/elapsed.js'
import {instantInWords, secondsBetween} from '../../units/instant.js'
import {asSentence} from '../../units/sentence.js'
import {databaseEvidence} from './database.js'
import type {Evidence} from './explanation.js'
import type {JobFacts} from './job-facts.js'
import {lockEvidence} from './sessions.js'
import {agoText, nextRunText} from './times.js'

/** Steps and remarks that are named; the rest is counted. */
const named = 3

export function jobEvidence(facts: JobFacts): Evidence[] {
  return [
    ...scheduleEvidence(facts),
    ...runnerEvidence(facts),
    ...workEvidence(facts),
    ...runEvidence(facts),
    ...databaseEvidence(facts.server),
    ...lockEvidence(facts.sessions),
    ...settingsEvidence(facts),
    ...facts.hazards.map(({id, what}): Evidence => ({topic: 'hazard', message: `${id}: ${what}`})),
  ]
}

function scheduleEvidence({listed, lastDue, dueSince, at}: JobFacts): Evidence[] {
  const {schedule, timezone, next, paused, state} = listed
  const last = lastDue === null ? 'no due time in the last year' : `last due ${instantInWords(lastDue)}`
  const evidence: Evidence[] = [
    {topic: 'schedule', message: `"${schedule}" in ${timezone}: ${last}; ${nextRunText(next, at)}.`},
  ]
  if (paused !== null) {
    const reason = paused.reason === null ? '' : `: ${paused.reason}`
    evidence.push({topic: 'schedule', message: `Paused ${agoText(paused.since, at)} by ${paused.by}${reason}.`})
  }
  if (state === 'new') evidence.push({topic: 'schedule', message: 'No daemon has run with it yet.'})
  if (state === 'undeclared')
    evidence.push({topic: 'schedule', message: 'The ledger has it, the configuration here does not.'})
  if (dueSince !== null)
    evidence.push({topic: 'schedule', message: `It has been due for ${formatAge(secondsBetween(dueSince, at))}.`})
  return evidence
}

function runnerEvidence({listed, daemons, lastDaemon, cron, at}: JobFacts): Evidence[] {
  if (cron !== null) {
    const alive = {alive: 'is running', dead: 'is not running', unknown: 'is not known to run'}[cron.scheduler]
    return [
      {topic: 'runner', message: `Run by pg_cron, whose scheduler ${alive}.`},
      ...cron.entries.map(({name, state, lastStatus, lastStartedAt}): Evidence => {
        const last =
          lastStartedAt === null ? 'no run is recorded' : `last run ${agoText(lastStartedAt, at)}: ${lastStatus}`
        return {topic: 'runner', message: `Entry ${name}: ${stateInWords[state] ?? state}; ${last}.`}
      }),
      ...cron.notes.map((message): Evidence => ({topic: 'runner', message})),
    ]
  }
  const seen = daemons.map(({id, seenAt}) => `${id} (last heartbeat ${agoText(seenAt, at)})`)
  if (seen.length > 0) return [{topic: 'runner', message: `Run by ${listed.runner}: ${seen.join(', ')}.`}]
  if (lastDaemon === null)
    return [{topic: 'runner', message: `Run by ${listed.runner}; no daemon has worked here yet.`}]
  const {id, seenAt, stoppedAt} = lastDaemon
  const how = stoppedAt === null ? 'it was not stopped in order' : `it was stopped ${agoText(stoppedAt, at)}`
  return [
    {
      topic: 'runner',
      message:
        `Run by ${listed.runner}, and none is running. The last heartbeat of ${id} was ${agoText(seenAt, at)}; ` +
        `${how}.`,
    },
  ]
}

function workEvidence({work}: JobFacts): Evidence[] {
  if (work === null) return []
  if (work instanceof OpsError) return [{topic: 'work', message: `A run cannot be planned: ${work.message}`}]
  const steps = work.plans.flatMap((plan) => plan.steps)
  const first = steps.slice(0, named).map(({id}) => id)
  const more = steps.length > named ? ', …' : ''
  const remarks = [
    ...work.problems.map(withAdvice),
    ...work.enforced.map(({what, by}) => `${what} is left to ${by}`),
    ...work.notes,
  ]
  return [
    {
      topic: 'work',
      message:
        steps.length === 0
          ? 'A run now would have nothing to do.'
          : `A run now would do ${steps.length} step${steps.length === 1 ? '' : 's'}: ${first.join(', ')}${more}.`,
    },
    ...remarks.slice(0, named).map((text): Evidence => ({topic: 'work', message: asSentence(text)})),
    ...(remarks.length > named ? [{topic: 'work' as const, message: `${remarks.length - named} more remarks.`}] : []),
  ]
}

function runEvidence({occurrences, at}: JobFacts): Evidence[] {
  if (occurrences.length === 0) return [{topic: 'run', message: 'No run is recorded.'}]
  return occurrences.map((each) => ({topic: 'run', message: oneRun(each, at)}))
}

function oneRun(occurrence: Occurrence, at: string): string {
  const {id, scheduledAt, startedAt, status, reason, attempts, runBy, claimedBy, error, sqlState} = occurrence
  const due = scheduledAt === null ? `by ${runBy}` : `due ${instantInWords(scheduledAt)}`
  const started = startedAt === null ? 'never started' : `started ${agoText(startedAt, at)}`
  const tries = attempts > 1 ? ` after ${attempts} attempts` : ''
  const why = [reason, error].filter(Boolean).join('; ')
  const state = sqlState === null || why.includes(sqlState) ? '' : ` [${sqlState}]`
  const by = claimedBy === null ? '' : ` by ${claimedBy}`
  return asSentence(`run ${id}, ${due}, ${started}${by}: ${status}${tries}${why === '' ? '' : `: ${why}`}${state}`)
}

function settingsEvidence({job}: JobFacts): Evidence[] {
  if (job === null) return []
  const seconds = (ms: number) => durationInWords({months: 0, days: 0, seconds: ms / 1000})
  const window = job.window === null ? '' : `; only within ${job.window}`
  return [
    {
      topic: 'settings',
      message:
        `${job.retries} retries, timeout ${seconds(job.timeout)}, late after ${seconds(job.lateAfter)}, catchUp ` +
        `${job.catchUp}, overlap ${job.overlap}${window}.`,
    },
  ]
}
