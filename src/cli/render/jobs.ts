import type {Occurrence} from '../../jobs/store/history.js'
import type {DaemonSeen, ListedJob} from '../../jobs/store/job-list.js'
import type {SimulatedRun, Simulation} from '../../schedule/simulate.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {renderTable, wrap, type Column, type TableStyle} from './table.js'
import {dash, formatAge, formatElapsed, plural} from './words.js'
import {command} from '../../units/command.js'

/** Seconds only where there are any. */
function when(instant: Instant | null): string {
  if (instant === null) return dash
  const text = instant.slice(0, 19).replace('T', ' ')
  return text.endsWith(':00') ? text.slice(0, 16) : text
}

/** Every job in a line: what failed last or is paused is marked. */
/** @param daemon the command that starts a daemon on this target; null where none is advised */
export function renderJobs(
  {jobs, daemons, at}: {jobs: readonly ListedJob[]; daemons: readonly DaemonSeen[]; at: Instant},
  daemon: string | null,
  style: TableStyle,
): string {
  if (jobs.length === 0) return 'No job is scheduled.'
  const columns: Column<ListedJob>[] = [
    {head: 'JOB', cell: ({name}) => name, shrink: 12},
    {head: 'KIND', cell: ({kind}) => kind, wide: true},
    {head: 'SCHEDULE', cell: ({schedule}) => schedule, shrink: 10},
    {head: 'ZONE', cell: ({timezone}) => timezone, drop: 1},
    {head: 'NEXT (UTC)', cell: nextOf},
    {
      head: 'IN',
      cell: ({next}) => (next === null ? dash : formatAge(Math.max(0, secondsBetween(at, next)))),
      right: true,
    },
    {
      head: 'LAST',
      cell: ({lastStartedAt, lastCompletedAt}) => ageSince(lastStartedAt ?? lastCompletedAt, at),
      right: true,
    },
    {head: 'STATUS', cell: statusOf, shrink: 12},
    {head: 'RUNNER', cell: ({runner}) => runner, drop: 2},
    {head: 'WINDOW', cell: ({window}) => window ?? dash, wide: true},
    {head: 'CATCH UP', cell: ({catchUp}) => catchUp, wide: true},
    {head: 'OVERLAP', cell: ({overlap}) => overlap, wide: true},
  ]
  const notes = jobs.flatMap(noteOf)
  return [
    renderTable(columns, jobs, {style, mark: needsSomebody}),
    ...notes.map((note) => wrap(note, style.width)),
    verdict(jobs, seen(daemons, at), daemon),
  ].join('\n')
}

function nextOf({next, state}: ListedJob): string {
  if (state === 'paused') return 'paused'
  if (state === 'undeclared') return 'not declared'
  return when(next)
}

function statusOf({running, retryAt, lastStatus, lastReason}: ListedJob): string {
  if (retryAt !== null) return `retry at ${retryAt.slice(11, 16)}`
  if (running) return 'running'
  return lastStatus === null ? dash : lastReason === null ? lastStatus : `${lastStatus}: ${lastReason}`
}

function ageSince(instant: Instant | null, at: Instant): string {
  return instant === null ? dash : formatAge(Math.max(0, secondsBetween(instant, at)))
}

function needsSomebody({lastStatus, retryAt, state}: ListedJob): boolean {
  return lastStatus === 'failed' || retryAt !== null || state === 'paused' || state === 'undeclared'
}

function noteOf({name, paused, lastStatus, lastError, state}: ListedJob): string[] {
  return [
    ...(paused
      ? [
          `! ${name} is paused since ${when(paused.since)} by ${paused.by}${paused.reason === null ? '' : `: ${paused.reason}`}`,
        ]
      : []),
    ...(state === 'undeclared' ? [`! ${name} is in this database's ledger and not in the configuration here.`] : []),
    ...(lastStatus === 'failed' && lastError !== null ? [`! ${name}: ${lastError}`] : []),
  ]
}

/** A daemon that was killed is in the ledger for two minutes more: how long ago it was last seen tells. */
function seen(daemons: readonly DaemonSeen[], at: Instant): string {
  if (daemons.length === 0) return ''
  const shown = daemons
    .slice(0, 3)
    .map(({id, seenAt}) => `${id} (${formatAge(Math.max(0, secondsBetween(seenAt, at)))} ago)`)
  return `${plural(daemons.length, 'daemon')}, last seen: ${shown.join(', ')}${daemons.length > 3 ? ' …' : ''}`
}

function verdict(jobs: readonly ListedJob[], alive: string, daemon: string | null): string {
  const theirs = jobs.filter(({runner, state}) => runner === 'pg_cron' && state !== 'undeclared').length
  const none =
    theirs === 0 && daemon !== null
      ? `No daemon was seen here in the last two minutes: ${daemon}`
      : 'No daemon was seen here in the last two minutes.'
  return `${plural(jobs.length, 'job')}${theirs === 0 ? '' : `, ${theirs} run by pg_cron: ${command('cron status')}`}. ${alive === '' ? none : alive}`
}

/** The coming runs, with the job's own clocks beside UTC. */
export function renderNext(
  {
    runs,
    paused,
    at,
  }: {runs: readonly {job: string; at: Instant; local: string}[]; paused: readonly string[]; at: Instant},
  style: TableStyle,
): string {
  const columns: Column<{job: string; at: Instant; local: string}>[] = [
    {head: 'AT (UTC)', cell: (run) => when(run.at)},
    {head: 'IN', cell: (run) => formatAge(Math.max(0, secondsBetween(at, run.at))), right: true},
    {head: 'JOB', cell: ({job}) => job, shrink: 12},
    {head: 'LOCAL', cell: ({local}) => local},
  ]
  return [
    runs.length === 0 ? 'Nothing is to come.' : renderTable(columns, runs, {style}),
    ...(paused.length > 0
      ? [wrap(`! paused: ${paused.join(', ')}. Fix: ${command('jobs resume', [paused[0]!])}`, style.width)]
      : []),
  ].join('\n')
}

export function renderSimulation({runs, total, notes, from, to}: Simulation, style: TableStyle): string {
  const columns: Column<SimulatedRun>[] = [
    {head: 'AT (UTC)', cell: (run) => when(run.at)},
    {head: 'LOCAL', cell: ({local}) => local},
    {head: 'JOB', cell: ({job}) => job, shrink: 12},
    {head: 'BEGINS', cell: ({begins, at}) => (begins === at ? '' : when(begins)), drop: 1},
    {head: 'NOTE', cell: ({skipped}) => (skipped === null ? '' : 'skipped: outside of its window')},
  ]
  const used = columns.filter(({head}) =>
    head === 'NOTE'
      ? runs.some(({skipped}) => skipped !== null)
      : head === 'BEGINS'
        ? runs.some(({begins, at}) => begins !== at)
        : true,
  )
  return [
    runs.length === 0 ? '' : renderTable(used, runs, {style, mark: ({skipped}) => skipped !== null}),
    ...(total > runs.length ? [` … and ${total - runs.length} more (--limit)`] : []),
    ...notes.map(({job, text}) => wrap(`- ${job}: ${text}`, style.width)),
    `${plural(total, 'run')} from ${when(from)} to ${when(to)} UTC.`,
  ]
    .filter((line) => line !== '')
    .join('\n')
}

/** What became of the last occurrences; how late and how long, and why not. */
export function renderHistory({occurrences}: {occurrences: readonly Occurrence[]}, style: TableStyle): string {
  if (occurrences.length === 0) return 'Nothing has run here yet.'
  const columns: Column<Occurrence>[] = [
    {
      head: 'DUE (UTC)',
      cell: ({scheduledAt, startedAt, runBy}) =>
        scheduledAt === null ? `${when(startedAt)} (${runBy})` : when(scheduledAt),
    },
    {head: 'JOB', cell: ({job}) => job, shrink: 12},
    {head: 'STATUS', cell: ({status, retryAt}) => (retryAt === null ? status : `retry at ${retryAt.slice(11, 16)}`)},
    {head: 'LATE', cell: late, right: true, drop: 1},
    {head: 'TOOK', cell: took, right: true},
    {head: 'TRIES', cell: ({attempts}) => (attempts > 0 ? String(attempts) : dash), right: true, drop: 2},
    {head: 'DONE', cell: steps, drop: 3},
    {head: 'WHY', cell: why, shrink: 10},
    {
      head: 'WHO',
      cell: ({claimedBy, actor, scheduledAt}) => (scheduledAt === null ? actor : (claimedBy ?? actor)) ?? dash,
      shrink: 8,
      drop: 4,
    },
  ]
  const used = occurrences.some((one) => why(one) !== '') ? columns : columns.filter(({head}) => head !== 'WHY')
  return [
    renderTable(used, occurrences, {style, mark: ({status}) => status === 'failed' || status === 'retry'}),
    `To check for missed runs: ${command('jobs history', [], {audit: true})}`,
  ].join('\n')
}

function late({scheduledAt, startedAt}: Occurrence): string {
  if (scheduledAt === null || startedAt === null) return dash
  const seconds = (Date.parse(startedAt) - Date.parse(scheduledAt)) / 1000
  return seconds < 1 ? '0s' : formatAge(seconds)
}

function took({startedAt, completedAt}: Occurrence): string {
  return startedAt === null || completedAt === null
    ? dash
    : formatElapsed(Date.parse(completedAt) - Date.parse(startedAt))
}

function steps({detail}: Occurrence): string {
  const counts = Object.entries(detail?.steps ?? {}).filter(([, n]) => n > 0)
  return counts.length === 0 ? dash : counts.map(([status, n]) => `${n} ${status}`).join(', ')
}

function why({reason, error, detail}: Occurrence): string {
  return [reason, error, ...(detail?.notes ?? [])].filter(Boolean).join('; ').replace(/\s+/g, ' ')
}
