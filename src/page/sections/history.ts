import {runStepsTable, runsTable} from '../../reports/history-table.js'
import type {ChangesReport, RecordedRun, RecordedStep} from '../../reports/history.js'
import {plural} from '../../units/plural.js'
import {html, prose, reportTable, section, type Markup, type Tone} from '../markup.js'

/**
 * The newest changes: who did what, and how it ended.
 * @param linked whether each run has a page of its own
 */
export function historySection(report: ChangesReport, linked: boolean): Markup {
  const options = {id: 'history', title: 'Recent changes', lead: 'The newest runs of jobs and changes by hand.'}
  if (report.runs === null)
    return section(options, html`<p>Not known: this role may not read the record of changes.</p>`)
  if (report.runs.length === 0) return section(options, html`<p>${nothing(report)}</p>`)
  return section(options, runTable(report.runs, report, linked))
}

function nothing({source}: ChangesReport): string {
  return source === 'missing' ? 'No record: the schema qicore is not installed.' : 'No change is recorded.'
}

function runTable(runs: readonly RecordedRun[], context: {at: string}, linked: boolean): Markup {
  return reportTable(runsTable, runs, context, {
    label: 'Recent changes',
    columns: ['operation', 'started_at', 'status', 'ms', 'steps', 'actor', 'run_by'],
    tone: toneOf,
    cells: linked ? {operation: ({id}, text) => html`<a href="runs/${id}">${text}</a>`} : {},
  })
}

/** One run with its steps. */
export function runSection(run: RecordedRun, steps: readonly RecordedStep[] | null, context: {at: string}): Markup {
  return section(
    {id: 'run', title: 'Result'},
    runTable([run], context, false),
    run.error === null ? null : html`<p class="error">${prose(run.error)}</p>`,
    steps === null || steps.length === 0
      ? html`<p>No step is recorded.</p>`
      : html`<p class="lead">${plural(steps.length, 'step')}.</p>
${reportTable(runStepsTable, steps, context, {
  label: 'Steps',
  columns: ['step', 'status', 'started_at', 'ms', 'attempts', 'bytes', 'error', 'sql_state'],
  tone: ({status}) => (status === 'failed' ? 'critical' : null),
})}`,
  )
}

function toneOf(run: RecordedRun): Tone | null {
  return runsTable.marked!(run, {at: ''}) ? 'critical' : null
}
