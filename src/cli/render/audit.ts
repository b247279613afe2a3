import type {JobAuditReport} from '../../jobs/store/audit-report.js'
import {renderTable, wrap, type Column, type TableStyle} from './table.js'
import {dash, plural} from './words.js'

const shown = 5

/** The audit for people: a line a job, what is wrong below, the verdict last. */
export function renderAudit(
  {
    jobs,
    timelines,
    ok,
  }: {jobs: readonly JobAuditReport[]; timelines: readonly {at: string; message: string}[]; ok: boolean},
  style: TableStyle,
): string {
  if (jobs.length === 0) return 'No job has been scheduled in this database yet.'
  const count = (list: readonly string[]) => (list.length === 0 ? dash : String(list.length))
  const columns: Column<JobAuditReport>[] = [
    {head: 'JOB', cell: ({job}) => job, shrink: 12},
    {head: 'SINCE (UTC)', cell: ({from}) => from.slice(0, 16).replace('T', ' ')},
    {head: 'INSTANTS', cell: ({instants}) => String(instants), right: true},
    {head: 'DONE', cell: ({byStatus}) => sumOf(byStatus, /^(late-)?done/), right: true},
    {head: 'LATE', cell: ({byStatus}) => sumOf(byStatus, /^late-done/), right: true, drop: 2},
    {head: 'FAILED', cell: ({byStatus}) => sumOf(byStatus, /^failed/), right: true},
    {head: 'SKIPPED', cell: ({byStatus}) => sumOf(byStatus, /^skipped/), right: true, drop: 1},
    {head: 'RUNNING', cell: ({byStatus}) => sumOf(byStatus, /^running/), right: true},
    {head: 'RETRY', cell: ({retrying, givenBack}) => count([...retrying, ...givenBack]), right: true},
    {head: 'GAPS', cell: ({gaps}) => count(gaps), right: true},
    {head: 'DOUBLES', cell: ({doubles}) => count(doubles), right: true},
    {head: 'WAITING', cell: ({waiting}) => count(waiting), right: true},
    {head: 'SKIPPED BECAUSE', cell: ({byStatus}) => reasons(byStatus), wide: true},
  ]
  return [
    renderTable(columns, jobs, {style, mark: (job) => !job.ok}),
    ...jobs.flatMap((job) => findings(job).map((line) => wrap(line, style.width))),
    ...jobs.flatMap(({job, notes}) => notes.map((note) => wrap(`- ${job}: ${note}`, style.width))),
    ...timelines.map(({at, message}) => wrap(`- ${at}: ${message}`, style.width)),
    verdict(jobs, ok),
  ].join('\n')
}

function sumOf(byStatus: Record<string, number>, pattern: RegExp): string {
  const sum = Object.entries(byStatus)
    .filter(([status]) => pattern.test(status))
    .reduce((total, [, n]) => total + n, 0)
  return sum === 0 ? dash : String(sum)
}

function reasons(byStatus: Record<string, number>): string {
  const why = Object.entries(byStatus).filter(([status]) => status.startsWith('skipped: '))
  return why.length === 0 ? dash : why.map(([status, n]) => `${status.slice(9)} ${n}`).join(', ')
}

function findings({job, gaps, doubles, strays, abandoned, retrying, givenBack, waiting, ok}: JobAuditReport): string[] {
  const say = (list: readonly string[], what: string) =>
    list.length === 0
      ? []
      : [
          `! ${job}: ${what}: ${list.slice(0, shown).join(', ')}${list.length > shown ? ` and ${list.length - shown} more` : ''}`,
        ]
  return [
    ...say(gaps, 'without a row in the ledger'),
    ...say(doubles, 'accounted for twice'),
    ...say(strays, 'run at a time that the schedule does not have'),
    ...say(abandoned, 'begun, and its daemon is gone'),
    ...say(retrying, 'failed, and the next attempt has not begun'),
    ...(ok ? [] : say(givenBack, 'given back by a daemon that stopped, and no daemon has begun it again')),
    ...(ok ? [] : say(waiting, 'due, and no daemon has begun it')),
  ]
}

function verdict(jobs: readonly JobAuditReport[], ok: boolean): string {
  const instants = jobs.reduce((sum, job) => sum + job.instants, 0)
  const waiting = jobs.reduce((sum, job) => sum + job.waiting.length, 0)
  const running = jobs.reduce((sum, {byStatus}) => sum + (byStatus.running ?? 0), 0)
  const rest = [running > 0 && ` ${running} running.`, waiting > 0 && ` ${waiting} more due just now.`]
    .filter(Boolean)
    .join('')
  if (ok)
    return `${plural(instants - waiting, 'instant')} of ${plural(jobs.length, 'job')}: each is accounted for once.${rest}`
  return `${plural(jobs.filter((job) => !job.ok).length, 'job')} of ${jobs.length} with problems (exit 3)`
}
