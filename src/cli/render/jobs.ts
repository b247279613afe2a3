import type {Occurrence} from '../../jobs/store/history.js'
import type {DaemonSeen, ListedJob} from '../../jobs/store/job-list.js'
import type {ComingRun} from '../../jobs/store/next-runs-table.js'
import type {SimulatedRun, Simulation} from '../../schedule/simulate.js'
import type {HistorySource, RecordedStep} from '../../reports/history.js'
import {command} from '../../units/command.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {formatMinute} from '../../units/instant-short.js'
import {missing, unreadable, whyNotes} from './history.js'
import {closingLine, note, notes, type Around, type Line} from './shown.js'
import {formatAge, formatElapsed, plural} from './words.js'

/** Failed and paused jobs, and the known daemons. */
export function aroundJobs(
  {jobs, daemons, at}: {jobs: readonly ListedJob[]; daemons: readonly DaemonSeen[]; at: Instant},
  daemon: string | null,
): Around<ListedJob> {
  if (jobs.length === 0) return {below: [closingLine(['No job is scheduled.'])]}
  return {below: [...jobs.flatMap(noteOf), verdict(jobs, seen(daemons, at), daemon)]}
}

function noteOf({name, paused, lastStatus, lastError, state}: ListedJob): Line[] {
  return [
    ...(paused
      ? [
          note(
            `${name} has been paused since ${formatMinute(paused.since)} by ` +
              `${paused.by}${paused.reason === null ? '' : `: ${paused.reason}`}`,
            '!',
          ),
        ]
      : []),
    ...(state === 'undeclared'
      ? [note(`${name} is in this database's ledger, but not in this configuration.`, '!')]
      : []),
    ...(lastStatus === 'failed' && lastError !== null ? [note(`${name}: ${lastError}`, '!')] : []),
  ]
}

/** A killed daemon stays in the ledger for two more minutes, so the time it was last seen is shown. */
function seen(daemons: readonly DaemonSeen[], at: Instant): string {
  if (daemons.length === 0) return ''
  const shown = daemons
    .slice(0, 3)
    .map(({id, seenAt}) => `${id} (${formatAge(Math.max(0, secondsBetween(seenAt, at)))} ago)`)
  return `${plural(daemons.length, 'daemon')}, last seen: ${shown.join(', ')}${daemons.length > 3 ? ' …' : ''}`
}

/** @param daemon the command that starts a daemon on this target; null if none is advised */
function verdict(jobs: readonly ListedJob[], alive: string, daemon: string | null): Line {
  const byCron = jobs.filter(({runner, state}) => runner === 'pg_cron' && state !== 'undeclared').length
  const cron = byCron === 0 ? '' : `, ${byCron} run by pg_cron: ${command('cron status')}`
  const advice = byCron === 0 && daemon !== null
  const seenLine = alive === '' ? `No daemon was seen here in the last two minutes${advice ? ':' : '.'}` : alive
  return closingLine([`${plural(jobs.length, 'job')}${cron}.`, seenLine], alive === '' && advice ? [daemon] : [])
}

/** Jobs that will not run by themselves. */
export function aroundNext(runs: readonly ComingRun[], paused: readonly string[]): Around<ComingRun> {
  return {
    below: [
      ...(runs.length === 0 ? [closingLine(['No runs are scheduled.'])] : []),
      ...(paused.length > 0
        ? [note(`paused: ${paused.join(', ')}. Fix: ${command('jobs resume', [paused[0]!])}`, '!')]
        : []),
    ],
  }
}

/** The effect of clock changes, and the total number of runs. */
export function aroundSimulation({runs, total, notes: remarks, from, to}: Simulation): Around<SimulatedRun> {
  const listed = total > runs.length ? `, ${runs.length} of them listed (--limit)` : ''
  return {
    below: [
      ...notes(remarks.map(({job, text}) => `${job}: ${text}`)),
      closingLine([`${plural(total, 'run')} from ${formatMinute(from)} to ${formatMinute(to)} UTC${listed}.`]),
    ],
  }
}

/** One run of a job: times, runner and result, above its steps. */
export function aroundOccurrence({
  source,
  run,
  steps,
}: {
  source: HistorySource
  run: Occurrence | null
  steps: readonly RecordedStep[] | null
}): Around<RecordedStep> {
  if (run === null || steps === null) return {below: [closingLine([source === 'missing' ? missing : unreadable])]}
  const {id, job, kind, error, reason, status, detail, retryAt} = run
  const state = run.sqlState === null || (error ?? '').includes(run.sqlState) ? '' : ` [${run.sqlState}]`
  const why = [reason, error].filter(Boolean).join('; ')
  const retry = retryAt === null ? '' : `, next attempt ${formatMinute(retryAt)} UTC`
  const enforced = (detail?.enforced ?? []).map((each) => note(`left to another runner: ${each}`, ' '))
  return {
    above: [
      note(`${id}: job ${job}${kind === job ? '' : ` (${kind})`}`, ''),
      note(timesOf(run), ' '),
      note(whoOf(run), ' '),
      note(`${status}${retry}${why === '' ? '' : `: ${why}`}${state}`, ' '),
    ],
    below: [
      ...notes(detail?.notes ?? [], ' '),
      ...enforced,
      ...(steps.length === 0 ? [note('No steps are recorded.', ' ')] : []),
    ],
  }
}

function timesOf({scheduledAt, startedAt, completedAt}: Occurrence): string {
  const due = scheduledAt === null ? 'not scheduled' : `due ${formatMinute(scheduledAt)} UTC`
  const late = scheduledAt === null || startedAt === null ? 0 : secondsBetween(scheduledAt, startedAt)
  const started = startedAt === null ? 'never started' : `started ${formatMinute(startedAt)}`
  const took =
    startedAt === null || completedAt === null
      ? ''
      : ` after ${formatElapsed(Math.max(0, Date.parse(completedAt) - Date.parse(startedAt)))}`
  const ended = completedAt === null ? 'no end recorded' : `ended ${formatMinute(completedAt)}${took}`
  return `${due}, ${started}${late >= 1 ? ` (${formatAge(late)} late)` : ''}, ${ended}`
}

function whoOf({runBy, claimedBy, actor, token, attempts}: Occurrence): string {
  const who = claimedBy === null ? '' : ` ${claimedBy}`
  const fence = token === null ? '' : `, token ${token}`
  const ledger = startedByText[runBy]
  return `${ledger}${who}, as ${actor ?? 'unknown'}${fence}, ${plural(attempts, 'attempt')}`
}

const startedByText: Readonly<Record<Occurrence['runBy'], string>> = {
  daemon: 'daemon',
  pg_cron: 'pg_cron',
  hand: 'by hand',
}

/** Where to look for missing runs. */
export function aroundOccurrences(occurrences: readonly Occurrence[]): Around<Occurrence> {
  if (occurrences.length === 0) return {below: [closingLine(['Nothing has run here yet.'])]}
  return {
    below: [
      ...whyNotes(occurrences),
      closingLine([], [`To check for missed runs: ${command('jobs history', [], {audit: true})}`]),
    ],
  }
}
