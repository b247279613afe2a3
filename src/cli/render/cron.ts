import type {CronStatus, ForeignJob} from '../../pg-cron/status.js'
import type {CronJob} from '../../pg-cron/cron-job.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {renderTable, wrap, type Column, type TableStyle} from './table.js'
import {dash, formatAge, plural} from './words.js'

/** Every entry of pg_cron in a line: what needs attention is marked, and explained below. */
export function renderCronStatus(report: CronStatus & {at: Instant}, style: TableStyle, failed: boolean): string {
  const {jobs, foreign, notes, at} = report
  const columns: Column<CronJob>[] = [
    {head: 'JOB', cell: labelOf, shrink: 16},
    {head: 'SCHEDULE', cell: ({schedule}) => schedule, shrink: 9},
    {head: 'ZONE', cell: ({timezone}) => timezone, wide: true},
    {
      head: 'NEXT (UTC)',
      cell: ({next, paused}) => (paused ? 'paused' : (next?.slice(0, 16).replace('T', ' ') ?? dash)),
      drop: 1,
    },
    {
      head: 'LAST',
      cell: ({lastStartedAt}) =>
        lastStartedAt === null ? dash : formatAge(Math.max(0, secondsBetween(lastStartedAt, at))),
      right: true,
    },
    {head: 'STATUS', cell: ({lastStatus}) => lastStatus ?? dash},
    {head: 'PG_CRON SAYS', cell: ({cronStatus}) => cronStatus ?? dash, wide: true},
    {head: 'ENTRY', cell: ({state}) => state},
    {head: 'ID', cell: ({jobId}) => (jobId === null ? dash : String(jobId)), right: true, wide: true},
    {head: 'RUNS AS', cell: ({username}) => username ?? dash, wide: true},
    {head: 'COMMAND', cell: ({command}) => command.replace(/\s+/g, ' '), wide: true, shrink: 20},
  ]
  return [
    ...(jobs.length > 0 ? [renderTable(columns, jobs, {style, mark: ({ok}) => ok === false})] : []),
    ...jobs.flatMap((job) => job.findings.map((finding) => wrap(`! ${labelOf(job)}: ${finding}`, style.width))),
    ...foreign.map((job) => wrap(`  not ours: ${foreignWords(job)}`, style.width)),
    ...notes.map((note) => wrap(`! ${note}`, style.width)),
    wrap(verdict(report, failed), style.width),
  ].join('\n')
}

function labelOf({job, part, name}: CronJob): string {
  return job === null ? name : part === null ? job : `${job} ${part}`
}

function foreignWords({name, jobId, schedule, command, active}: ForeignJob): string {
  const text = command.replace(/\s+/g, ' ').trim()
  return `${name ?? 'nameless'} (${jobId}), "${schedule}"${active ? '' : ', switched off'}: ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`
}

function verdict({pgCron, scheduler, jobs, left}: CronStatus, failed: boolean): string {
  const where = pgCron === null ? 'pg_cron' : `pg_cron ${pgCron.version}${pgCron.here ? '' : ` in ${pgCron.database}`}`
  const bad = jobs.filter(({ok}) => ok === false).length + left.length
  const unknown = jobs.filter(({ok}) => ok === null).length
  return `${plural(jobs.length, 'entry', 'entries')} managed by qicore-db, ${bad} need attention${unknown > 0 ? `, ${unknown} unknown` : ''}. ${where}: scheduler ${scheduler === 'dead' ? 'not running' : scheduler}.${failed ? ' (exit 3)' : ''}`
}
