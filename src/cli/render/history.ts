import type {HistorySource, RecordedRun, RecordedStep} from '../../reports/history.js'
import {command} from '../../units/command.js'
import {closing, renderTable, wrap, type Column, type TableStyle} from './table.js'
import {bytesOr, dash, formatElapsed, formatInstant, plural} from './words.js'

const how = {hand: 'by hand', daemon: 'daemon', pg_cron: 'pg_cron', timescaledb: 'timescaledb'} as const

/** Every recorded change in a line: what failed or was interrupted is marked. */
export function renderRuns(
  {source, runs}: {source: HistorySource; runs: readonly RecordedRun[] | null},
  style: TableStyle,
): string {
  if (runs === null) return wrap(unreadable, style.width)
  if (runs.length === 0) return wrap(source === 'missing' ? missing : 'No change is recorded for that.', style.width)
  const columns: Column<RecordedRun>[] = [
    {head: 'ID', cell: ({id}) => String(id), right: true},
    {head: 'STARTED (UTC)', cell: (run) => startOf(run).slice(0, 16)},
    {head: 'WHAT', cell: whatOf, shrink: 16},
    {head: 'WHO', cell: ({actor}) => actor ?? dash, shrink: 8},
    {head: 'HOW', cell: ({runBy}) => how[runBy]},
    {head: 'STATUS', cell: statusOf, shrink: 11},
    {head: 'TOOK', cell: ({ms}) => (ms === null ? dash : formatElapsed(ms)), right: true},
    {head: 'STEPS', cell: ({steps}) => String(steps), right: true, drop: 1},
    {head: 'TABLES', cell: ({tables}) => tables.join(', ') || dash, wide: true, shrink: 16},
    {head: 'ERROR', cell: ({error}) => error ?? '', wide: true, shrink: 16},
  ]
  const [newest] = runs
  return [
    renderTable(columns, runs, {style, mark: isBad}),
    closing(
      [
        `${plural(runs.length, 'change')}, newest first.`,
        `The steps of one: ${command('history show', [String(newest!.id)])}`,
      ],
      style.width,
    ),
  ].join('\n')
}

/** One change: who, when, how it ended, and its steps. */
export function renderOneRun(
  {source, run, steps}: {source: HistorySource; run: RecordedRun | null; steps: readonly RecordedStep[] | null},
  style: TableStyle,
): string {
  if (run === null || steps === null) return wrap(source === 'missing' ? missing : unreadable, style.width)
  const columns: Column<RecordedStep>[] = [
    {head: 'STEP', cell: ({step}) => step, shrink: 16},
    {head: 'STATUS', cell: ({status}) => status},
    {head: 'TOOK', cell: ({ms}) => (ms === null ? dash : formatElapsed(ms)), right: true},
    {head: 'TRIES', cell: ({attempts}) => String(attempts), right: true, drop: 2},
    {head: 'SIZE', cell: ({bytes}) => bytesOr(bytes), right: true, drop: 1},
    {head: 'WHY', cell: ({error, note}) => error ?? note ?? '', shrink: 10},
  ]
  const ended = run.ms === null ? statusOf(run) : `${statusOf(run)} after ${formatElapsed(run.ms)}`
  return [
    wrap(`${run.id}: ${whatOf(run)}`, style.width),
    wrap(
      `  ${startOf(run)} UTC, ${how[run.runBy]}, by ${run.actor ?? 'unknown'}${run.targetHost === null ? '' : ` on ${run.targetHost}`}${run.application === null ? '' : `, ${run.application}`}`,
      style.width,
    ),
    wrap(`  ${ended}${run.error === null ? '' : `: ${run.error}`}`, style.width),
    ...(steps.length === 0
      ? ['  No step is recorded.']
      : [renderTable(columns, steps, {style, mark: ({status}) => status === 'failed'})]),
  ].join('\n')
}

const missing =
  'Nothing was recorded: the schema qicore, which keeps the record, is not installed in this database. The first change installs it.'
const unreadable =
  'What was recorded is not known: this role may not read qicore.maintenance_log. An administrator grants it: grant qicore_read to <role>;'

function startOf({startedAt, completedAt, scheduledAt}: RecordedRun): string {
  const at = startedAt ?? completedAt ?? scheduledAt
  return at === null ? dash : formatInstant(at)
}

function whatOf({operation, job}: RecordedRun): string {
  return job === null ? operation : `job ${job}${operation === job ? '' : `: ${operation}`}`
}

function statusOf({status, reason}: RecordedRun): string {
  return reason === null ? status : `${status}: ${reason.replaceAll('_', ' ')}`
}

function isBad({status}: RecordedRun): boolean {
  return ['failed', 'partly', 'interrupted', 'retry'].includes(status)
}
