import type {JobAuditReport} from '../../jobs/store/audit-report.js'
import {closingLine, note, notes, type Around, type Line} from './shown.js'
import {plural} from './words.js'

const maxListed = 5

/** Problems of each job, events that explain them, and the verdict. */
export function aroundAudit({
  jobs,
  timelines,
  ok,
}: {
  jobs: readonly JobAuditReport[]
  timelines: readonly {at: string; message: string}[]
  ok: boolean
}): Around<JobAuditReport> {
  if (jobs.length === 0) return {below: [closingLine(['No job has been scheduled in this database yet.'])]}
  return {
    below: [
      ...jobs.flatMap(findings),
      ...jobs.flatMap((job) => notes(job.notes.map((text) => `${job.job}: ${text}`))),
      ...notes(timelines.map(({at, message}) => `${at}: ${message}`)),
      closingLine([verdict(jobs, ok)]),
    ],
  }
}

function findings({
  job,
  gaps,
  duplicates,
  unexpected,
  abandoned,
  retrying,
  released,
  waiting,
  ok,
}: JobAuditReport): Line[] {
  const linesOf = (list: readonly string[], what: string) =>
    list.length === 0
      ? []
      : [
          note(
            `${job}: ${what}: ` +
              `${list.slice(0, maxListed).join(', ')}${list.length > maxListed ? ` and ${list.length - maxListed} more` : ''}`,
            '!',
          ),
        ]
  return [
    ...linesOf(gaps, 'without a row in the ledger'),
    ...linesOf(duplicates, 'recorded twice'),
    ...linesOf(unexpected, 'run at a time that is not in the schedule'),
    ...linesOf(abandoned, 'started, but its daemon is gone'),
    ...linesOf(retrying, 'failed, and the next attempt has not started'),
    ...(ok ? [] : linesOf(released, 'released by a daemon that stopped, and not started again')),
    ...(ok ? [] : linesOf(waiting, 'due, but not started by any daemon')),
  ]
}

function verdict(jobs: readonly JobAuditReport[], ok: boolean): string {
  const instants = jobs.reduce((sum, job) => sum + job.instants, 0)
  const waiting = jobs.reduce((sum, job) => sum + job.waiting.length, 0)
  const running = jobs.reduce((sum, {counts}) => sum + counts.running, 0)
  const rest = [running > 0 && ` ${running} running.`, waiting > 0 && ` ${waiting} more due now.`]
    .filter(Boolean)
    .join('')
  if (ok)
    return (
      `${plural(instants - waiting, 'instant')} of ${plural(jobs.length, 'job')}: each is recorded exactly ` +
      `once.${rest}`
    )
  return `${plural(jobs.filter((job) => !job.ok).length, 'job')} of ${jobs.length} with problems (exit 3)`
}
