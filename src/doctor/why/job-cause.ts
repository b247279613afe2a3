import {OpsError} from '../../errors.js'
import {undoneWork} from '../../jobs/run/undone-work.js'
import type {Occurrence} from '../../jobs/store/history.js'
import {stateInWords} from '../../pg-cron/findings.js'
import {entryFix} from '../../pg-cron/scheduler.js'
import {inWindow} from '../../schedule/due.js'
import {command} from '../../units/command.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween} from '../../units/instant.js'
import {commandFix} from '../shared.js'
import {asSentence} from '../../units/sentence.js'
import {databaseCandidates} from './database.js'
import {schedulerCandidate} from './cron-scheduler.js'
import type {Candidate} from './explanation.js'
import type {JobFacts} from './job-facts.js'
import {blockedCause, lockCause} from './sessions.js'
import {agoText} from './times.js'

/** All that can explain why a job did not do what it should; empty where nothing is wrong. */
export function jobCandidates(facts: JobFacts): Candidate[] {
  return [
    ...stateCandidates(facts),
    ...planCandidates(facts),
    ...runnerCandidates(facts),
    ...hazardCandidates(facts),
    ...runCandidates(facts),
  ]
}

/** What is wrong with the database matters only where the job suffers from it. */
export function withDatabase(facts: JobFacts, own: readonly Candidate[]): Candidate[] {
  const all = databaseCandidates(facts.server)
  const refusing = facts.server.condition.filter(({refuses}) => refuses === 'database').map(({code}) => code)
  return [...all.filter(({code}) => own.length > 0 || refusing.some((each) => each === code)), ...own]
}

function stateCandidates({listed, server, at}: JobFacts): Candidate[] {
  const {name, paused, state} = listed
  const found: Candidate[] = []
  if (server.inRecovery)
    found.push({
      depth: 'cannot_run',
      code: 'replica',
      message: 'This server is a read-only replica: jobs run on the primary.',
      fix: {kind: 'advice', text: 'Name the primary as target.'},
    })
  if (state === 'undeclared')
    found.push({
      depth: 'incomplete',
      code: 'undeclared',
      message:
        `${name} is in the ledger of this database and not in the configuration here, so no daemon with this ` +
        'configuration runs it.',
      fix: commandFix(command('config show')),
    })
  if (paused !== null)
    found.push({
      depth: 'held_back',
      code: 'paused',
      message:
        `${name} was paused ${agoText(paused.since, at)} by ` +
        `${paused.by}${paused.reason === null ? '' : `: ${paused.reason}`}.`,
      fix: commandFix(command('jobs resume', [name])),
    })
  return found
}

function planCandidates({work, listed: {name}}: JobFacts): Candidate[] {
  if (!(work instanceof OpsError)) return []
  return [
    {
      depth: 'cannot_run',
      code: 'cannot_be_planned',
      message: `Every run fails: ${work.message}`,
      fix: commandFix(command('jobs run', [name], {'dry-run': true})),
    },
  ]
}

function runnerCandidates({listed: {name, state, paused}, cron, daemons, lastDaemon, at}: JobFacts): Candidate[] {
  if (paused !== null) return []
  if (cron !== null) return cronCandidates(cron)
  if (daemons.length > 0)
    return state === 'new'
      ? [
          {
            depth: 'no_runner',
            code: 'daemon_without_it',
            message:
              `A daemon is running (${daemons[0]!.id}), and its configuration does not have ${name}: it reads it ` +
              'when it starts.',
            fix: {kind: 'advice', text: 'Restart the daemon with this configuration.'},
          },
        ]
      : []
  const last = lastDaemon === null ? '' : `; the last heartbeat was ${agoText(lastDaemon.seenAt, at)}`
  return [
    {
      depth: 'no_runner',
      code: 'no_daemon',
      message: `No daemon is running in this database${last}.`,
      fix: commandFix(command('daemon')),
    },
  ]
}

function cronCandidates({scheduler, entries}: NonNullable<JobFacts['cron']>): Candidate[] {
  const wrong = entries.find(({state}) => state !== 'ok' && state !== 'unknown')
  const unknown = entries.find(({state}) => state === 'unknown')
  return [
    ...(wrong === undefined && entries.length > 0
      ? []
      : [
          {
            depth: 'incomplete' as const,
            code: `pg_cron_${wrong?.state ?? 'missing'}`,
            message: asSentence((wrong && stateInWords[wrong.state]) ?? 'pg_cron has no entry for it'),
            fix: commandFix(entryFix()),
          },
        ]),
    ...(scheduler === 'dead' ? [schedulerCandidate] : []),
    ...(unknown === undefined
      ? []
      : [
          {
            depth: 'not_known' as const,
            code: 'pg_cron_unknown',
            message: 'This role may not see what pg_cron has scheduled.',
            fix: commandFix(command('cron status')),
          },
        ]),
  ]
}

/** Steps that the executor refuses. */
function hazardCandidates({hazards, listed: {name}}: JobFacts): Candidate[] {
  return hazards.slice(0, 1).map(({id, what}) => ({
    depth: 'held_back',
    code: 'hazard',
    message: `A run refuses steps because of the known defect ${id}: ${what}`,
    fix: commandFix(command('jobs run', [name], {'dry-run': true})),
  }))
}

function runCandidates(facts: JobFacts): Candidate[] {
  const {occurrences, listed, sessions, at} = facts
  const newest = occurrences.find(({status, reason}) => status !== 'skipped' || reason !== null)
  const found: Candidate[] = []
  if (listed.running !== null) {
    const blocked = blockedCause(sessions)
    if (blocked !== null) found.push({depth: 'ran', ...blocked})
    else if (overTime(facts))
      found.push({
        depth: 'ran',
        code: 'running_long',
        message:
          `It has been running for ${formatAge(secondsBetween(listed.running.since, at))} (${listed.running.by}), ` +
          'longer than its timeout.',
        fix: commandFix(command('activity')),
      })
  } else if (newest !== undefined) found.push(...newestRun(newest, facts))
  found.push(...lateCandidates(facts))
  return found
}

function overTime({listed: {running}, job, at}: JobFacts): boolean {
  return running !== null && job !== null && secondsBetween(running.since, at) * 1000 > job.timeout
}

function newestRun({id, status, error, reason, sqlState}: Occurrence, facts: JobFacts): Candidate[] {
  const {listed, sessions, at} = facts
  const again = commandFix(command('jobs run', [listed.name]))
  if (['failed', 'partial', 'retry', 'interrupted'].includes(status)) {
    const lock = lockCause(sessions, sqlState)
    if (lock !== null) return [{depth: 'ran', ...lock}]
    const next = listed.retryAt === null ? '' : ` It is tried again ${agoText(listed.retryAt, at)}.`
    const words = asSentence(`run ${id} failed: ${error ?? reason ?? 'no error is recorded'}`)
    return [{depth: 'ran', code: 'last_error', message: `${words}${next}`, fix: again}]
  }
  const undone = status === 'skipped' && reason !== null ? undoneWork(reason) : null
  if (undone === null) return []
  return [{depth: 'ran', code: reason!, message: asSentence(`run ${id} was skipped: ${undone}`), fix: again}]
}

/** Due, and not begun although a daemon runs. */
function lateCandidates({dueSince, job, listed, daemons, cron, at}: JobFacts): Candidate[] {
  if (dueSince === null || job === null || listed.running !== null || cron !== null || daemons.length === 0) return []
  if (secondsBetween(dueSince, at) * 1000 <= job.lateAfter) return []
  const since = formatAge(secondsBetween(dueSince, at))
  const again = commandFix(command('jobs run', [listed.name]))
  if (!inWindow(job.window, job.timezone, Date.parse(at)))
    return [
      {
        depth: 'not_done',
        code: 'outside_window',
        message: `It has been due for ${since} and waits for its window ${job.window}.`,
        fix: again,
      },
    ]
  return [
    {
      depth: 'not_done',
      code: 'late',
      message:
        `It has been due for ${since} and no daemon has started it: all workers are busy, or the daemon does not ` +
        'reach this database.',
      fix: again,
    },
  ]
}
