import type {HistorySource, RecordedRun, RecordedStep} from '../../reports/history.js'
import {command} from '../../units/command.js'
import {closingLine, note, type Around, type Line} from './shown.js'
import {dash, formatElapsed, plural} from './words.js'

/** How many changes there are, or why none is shown. */
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
    return {below: [closingLine([source === 'missing' ? missing : 'No change is recorded for that.'])]}
  return {
    below: [
      closingLine(
        [],
        [
          `${plural(runs.length, 'change')}, newest first.`,
          `The steps of one: ${command('history show', [String(newest.id)])}`,
        ],
      ),
    ],
  }
}

/** How the words of a run are made: the columns of the list have the same. */
export interface RunWords {
  startOf(run: RecordedRun): string
  whatOf(run: RecordedRun): string
  statusOf(run: RecordedRun): string
  startedBy: Readonly<Record<RecordedRun['runBy'], string>>
}

/** One change: who, when, how it ended, above its steps. */
export function aroundOneRun(
  {source, run, steps}: {source: HistorySource; run: RecordedRun | null; steps: readonly RecordedStep[] | null},
  words: RunWords,
): Around<RecordedStep> {
  if (run === null || steps === null) return {below: [closingLine([source === 'missing' ? missing : unreadable])]}
  return {
    above: headline(run, words),
    below: steps.length === 0 ? [note('No step is recorded.', ' ')] : [],
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
  'Nothing was recorded: the schema qicore, which keeps the record, is not installed in this database. The first change installs it.'
export const unreadable =
  'What was recorded is not known: this role may not read qicore.maintenance_log. An administrator grants it: grant qicore_read to <role>;'
