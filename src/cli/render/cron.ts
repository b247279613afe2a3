import type {CronStatus, ForeignJob} from '../../pg-cron/status.js'
import type {CronJob} from '../../pg-cron/cron-job.js'
import {closingLine, notes, type Around} from './shown.js'
import {plural} from './words.js'

/** Entries that need attention, foreign entries, and the verdict. */
export function aroundCronStatus(report: CronStatus, failed: boolean): Around<CronJob> {
  const {jobs, foreign, notes: remarks} = report
  return {
    below: [
      ...notes(
        jobs.flatMap((job) => job.findings.map((finding) => `${labelOf(job)}: ${finding}`)),
        '!',
      ),
      ...notes(
        foreign.map((job) => `not managed by qicore-db: ${foreignWords(job)}`),
        ' ',
      ),
      ...notes(remarks, '!'),
      closingLine([verdict(report, failed)]),
    ],
  }
}

function labelOf({job, part, name}: CronJob): string {
  if (job === null) return name
  return part === null ? job : `${job} ${part}`
}

function foreignWords({name, jobId, schedule, command, active}: ForeignJob): string {
  const text = command.replace(/\s+/g, ' ').trim()
  return (
    `${name ?? 'nameless'} (${jobId}), "${schedule}"${active ? '' : ', switched off'}: ` +
    `${text.length > 60 ? `${text.slice(0, 59)}…` : text}`
  )
}

function verdict({pgCron, scheduler, jobs, left}: CronStatus, failed: boolean): string {
  const where = pgCron === null ? 'pg_cron' : `pg_cron ${pgCron.version}${pgCron.here ? '' : ` in ${pgCron.database}`}`
  const bad = jobs.filter(({ok}) => ok === false).length + left.length
  const unknown = jobs.filter(({ok}) => ok === null).length
  return (
    `${plural(jobs.length, 'entry', 'entries')} managed by qicore-db, ${bad} need ` +
    `attention${unknown > 0 ? `, ${unknown} unknown` : ''}. ${where}: scheduler ` +
    `${scheduler === 'dead' ? 'not running' : scheduler}.${failed ? ' (exit 3)' : ''}`
  )
}
