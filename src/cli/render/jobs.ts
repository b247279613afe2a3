import type {Occurrence} from '../../jobs/store/history.js'
import type {DaemonSeen, ListedJob} from '../../jobs/store/job-list.js'
import type {ComingRun} from '../../jobs/store/next-runs-table.js'
import type {SimulatedRun, Simulation} from '../../schedule/simulate.js'
import {command} from '../../units/command.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {formatMinute} from '../../units/instant-short.js'
import {closingLine, note, notes, type Around, type Line} from './shown.js'
import {formatAge, plural} from './words.js'

/** What failed last or is paused, and which daemons were seen. */
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
            `${name} is paused since ${formatMinute(paused.since)} by ${paused.by}${paused.reason === null ? '' : `: ${paused.reason}`}`,
            '!',
          ),
        ]
      : []),
    ...(state === 'undeclared'
      ? [note(`${name} is in this database's ledger and not in the configuration here.`, '!')]
      : []),
    ...(lastStatus === 'failed' && lastError !== null ? [note(`${name}: ${lastError}`, '!')] : []),
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

/** @param daemon the command that starts a daemon on this target; null where none is advised */
function verdict(jobs: readonly ListedJob[], alive: string, daemon: string | null): Line {
  const byCron = jobs.filter(({runner, state}) => runner === 'pg_cron' && state !== 'undeclared').length
  const cron = byCron === 0 ? '' : `, ${byCron} run by pg_cron: ${command('cron status')}`
  const advice = byCron === 0 && daemon !== null
  const seenLine = alive === '' ? `No daemon was seen here in the last two minutes${advice ? ':' : '.'}` : alive
  return closingLine([`${plural(jobs.length, 'job')}${cron}.`, seenLine], alive === '' && advice ? [daemon] : [])
}

/** What will not run by itself. */
export function aroundNext(runs: readonly ComingRun[], paused: readonly string[]): Around<ComingRun> {
  return {
    below: [
      ...(runs.length === 0 ? [closingLine(['Nothing is to come.'])] : []),
      ...(paused.length > 0
        ? [note(`paused: ${paused.join(', ')}. Fix: ${command('jobs resume', [paused[0]!])}`, '!')]
        : []),
    ],
  }
}

/** What clock changes do, and how many runs there are in all. */
export function aroundSimulation({runs, total, notes: remarks, from, to}: Simulation): Around<SimulatedRun> {
  const listed = total > runs.length ? `, ${runs.length} of them listed (--limit)` : ''
  return {
    below: [
      ...notes(remarks.map(({job, text}) => `${job}: ${text}`)),
      closingLine([`${plural(total, 'run')} from ${formatMinute(from)} to ${formatMinute(to)} UTC${listed}.`]),
    ],
  }
}

/** Where to look for what is missing. */
export function aroundOccurrences(occurrences: readonly Occurrence[]): Around<Occurrence> {
  if (occurrences.length === 0) return {below: [closingLine(['Nothing has run here yet.'])]}
  return {below: [closingLine([], [`To check for missed runs: ${command('jobs history', [], {audit: true})}`])]}
}
