import type {HistorySource, RecordedRun, RecordedStep} from '../../reports/history.js'
import {command} from '../../units/command.js'
import {closingLine, note, type Around, type Line} from './shown.js'
import {dash, formatElapsed, plural} from './words.js'

/** The number of changes, or why none is shown. */
export function aroundRuns({
  source,
  runs,
}: {
  source: HistorySource
  runs: readonly RecordedRun[] | null
}): Around<RecordedRun> {
  if (runs === null) return {below: [closingLine([unreadable])]}
  const [newest] = runs
  if (newest === undefined)
    return {below: [closingLine([source === 'missing' ? missing : 'No recorded change matches.'])]}
  return {
    below: [
      ...whyNotes(runs),
      closingLine(
        [],
        [
          `${plural(runs.length, 'change')}, newest first.`,
          `Steps of a change: ${command('history show', [String(newest.id)])}`,
        ],
      ),
    ],
  }
}

/** Why the newest runs that did not succeed did not: a column of the table is too narrow for it. */
export function whyNotes(
  runs: readonly {id: number; status: string; reason: string | null; error: string | null}[],
): Line[] {
  return runs
    .filter(({status, error}) => error !== null && status !== 'done' && status !== 'done_late')
    .slice(0, 3)
    .map(({id, reason, error}) => note(`${id}: ${[reason, error].filter(Boolean).join('; ')}`, '!'))
}

/** The formatters for a run, shared with the columns of the list. */
export interface RunWords {
  startOf(run: RecordedRun): string
  whatOf(run: RecordedRun): string
  statusOf(run: RecordedRun): string
  startedBy: Readonly<Record<RecordedRun['runBy'], string>>
}

/** One change: time, actor and result, above its steps. */
export function aroundOneRun(
  {source, run, steps}: {source: HistorySource; run: RecordedRun | null; steps: readonly RecordedStep[] | null},
  words: RunWords,
): Around<RecordedStep> {
  if (run === null || steps === null) return {below: [closingLine([source === 'missing' ? missing : unreadable])]}
  return {
    above: headline(run, words),
    below: steps.length === 0 ? [note('No steps are recorded.', ' ')] : [],
  }
}

function headline(run: RecordedRun, {startOf, whatOf, statusOf, startedBy}: RunWords): Line[] {
  const {id, runBy, actor, targetHost, application, ms, error} = run
  const start = startOf(run)
  const host = targetHost === null ? '' : ` on ${targetHost}`
  const from = application === null ? '' : `, ${application}`
  const ended = ms === null ? statusOf(run) : `${statusOf(run)} after ${formatElapsed(ms)}`
  return [
    note(`${id}: ${whatOf(run)}`, ''),
    note(`${start}${start === dash ? '' : ' UTC'}, ${startedBy[runBy]}, by ${actor ?? 'unknown'}${host}${from}`, ' '),
    note(`${ended}${error === null ? '' : `: ${error}`}`, ' '),
  ]
}

export const missing =
  'Nothing is recorded: the schema qicore, which holds the record, is not installed in this database. The first ' +
  'change installs it.'
export const unreadable =
  'The record is unknown: this role may not read qicore.maintenance_log. The owner of the schema qicore can grant it ' +
  'USAGE on the schema and SELECT on its tables.'
