import type {CronJobState} from './job-state.js'
import type {Job} from '../config/jobs.js'
import {dueTimes} from '../schedule/due-times.js'
import type {ScheduleVersion} from '../schedule/due.js'
import type {Alive} from '../db/server.js'
import type {ScheduledRun} from './scheduled.js'
import type {CronJob} from './cron-job.js'
import type {WantedRun} from './wanted.js'
import {instantInWords} from '../units/instant.js'
import {command} from '../units/command.js'
import {cronMinute, deadScheduler, entryFix} from './scheduler.js'

export function stateOf(
  run: ScheduledRun | undefined,
  wanted: WantedRun,
  recorded: boolean,
  {readable, absent}: {readable: boolean; absent: boolean},
): CronJobState {
  if (!readable && !absent) return 'unknown'
  if (run === undefined) return 'missing'
  if (run.schedule !== wanted.schedule || run.command !== wanted.command) return 'altered'
  if (!run.active) return 'inactive'
  return recorded ? 'ok' : 'unrecorded'
}

/** The problem of an entry by its state, as a clause; other states have none. */
export const stateInWords: Readonly<Partial<Record<CronJobState, string>>> = {
  missing: 'pg_cron has no entry for it',
  altered: 'its entry in pg_cron differs from the declaration',
  inactive: 'its entry in pg_cron is inactive',
  unrecorded: 'pg_cron has an entry, but the ledger does not name pg_cron as the runner, so its calls do nothing',
}

/** The problems of an entry as sentences, most important first. `ok` is null if it cannot be known. */
export function cronFindings(
  report: CronJob,
  job: Job,
  version: ScheduleVersion | null,
  {scheduler, at}: {scheduler: Alive; at: number},
): {findings: string[]; ok: boolean | null} {
  const findings: string[] = []
  const wrong = stateInWords[report.state]
  if (wrong !== undefined) findings.push(`${wrong}. Fix: ${entryFix()}`)
  if (scheduler === 'dead') findings.push(deadScheduler.problem)
  if (report.paused)
    findings.push(
      `paused since ${cronInstant(version!.validFrom)} by ${version!.actor ?? 'an unknown role'}. Fix: ` +
        `${command('jobs resume', [job.name])}`,
    )
  if (report.lastStatus === 'failed' || report.lastStatus === 'partial')
    findings.push(
      'its last run ' +
        `${report.lastStatus === 'partial' ? 'was only partly done' : 'failed'}${report.message === null ? '' : `: ${report.message}`}`,
    )
  const missed = report.paused || version?.runner !== 'pg_cron' ? null : missedSince(job, version, report, at)
  if (missed !== null) findings.push(`it has been due since ${cronInstant(missed)} and was not started`)
  if (findings.length > 0) return {findings, ok: false}
  return {findings, ok: report.state === 'unknown' || scheduler === 'unknown' ? null : true}
}

/** The first due time since the last start that is overdue by more than `lateAfter`, in milliseconds; null if none. */
function missedSince(
  job: Job,
  version: ScheduleVersion,
  {lastStartedAt, lastStatus}: CronJob,
  at: number,
): number | null {
  const started = lastStartedAt === null ? -Infinity : Date.parse(lastStartedAt)
  if (lastStatus === 'running') return null
  const [first] = dueTimes(version, Math.max(version.validFrom, started), at - job.lateAfter - cronMinute)
  return first ?? null
}

function cronInstant(at: number): string {
  return instantInWords(new Date(at).toISOString())
}
