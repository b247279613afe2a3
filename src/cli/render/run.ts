import type {Plan, RunReport, StepReport} from '../../run/step.js'
import {formatBytes} from '../../units/bytes.js'
import {printable, wrap} from './text.js'
import {formatElapsed, formatInstant, instantInWords, plural} from './words.js'

const shown = 20
const words = {done: 'done', skipped: 'skipped', failed: 'failed', planned: 'not begun'} as const

/**
 * The result of a run for people: failed steps marked `!`, at most twenty steps, and a summary.
 * @param prepared number of initial steps that installed prerequisites; they are listed but not counted in the summary
 */
export function renderRun(plan: Plan, run: RunReport, width: number | null, prepared = 0): string {
  if (run.steps.length === 0) return wrap(`${capitalized(plan.summary)}: nothing to do.`, width)
  const worth =
    run.steps.length <= shown ? run.steps : run.steps.filter(({status, note}) => status === 'failed' || note !== null)
  const listed = worth.slice(0, shown)
  const longest = Math.min(60, Math.max(...listed.map(({id}) => id.length), 0))
  const rest = run.steps.length - listed.length
  const own = run.steps.slice(prepared)
  const sums = (Object.keys(words) as (keyof typeof words)[])
    .map((status) => ({status, steps: own.filter((step) => step.status === status)}))
    .filter(({steps}) => steps.length > 0)
    .map(
      ({status, steps}, index) =>
        `${index === 0 ? plural(steps.length, 'step') : steps.length} ${words[status]}${sizeOf(status, steps, plan)}`,
    )
  const sum = own.length === 0 ? 'nothing else to do' : sums.join(', ')
  return [
    ...listed.map((step) => line(step, longest, width)),
    ...(rest > 0 && listed.length > 0 ? [` … and ${rest} more (--json has them all)`] : []),
    wrap(
      `${capitalized(plan.summary)}: ` +
        `${sum}.${run.interrupted ? ' Interrupted: run the command again to continue.' : ''}`,
      width,
    ),
  ].join('\n')
}

/** The steps about to run, shown before the confirmation. */
export function listSteps(plan: Plan, width: number | null): string {
  const rest = plan.steps.length - shown
  return [
    wrap(
      `${capitalized(plan.summary)}${plan.cutoff === null || plan.summary.includes(formatInstant(plan.cutoff)) ? '' : ` (cut-off ${instantInWords(plan.cutoff)})`}:`,
      width,
    ),
    ...plan.steps
      .slice(0, shown)
      .map(({id, lock, class: kind}) => wrap(`${kind === 'loss' ? '!' : ' '} ${id}  (lock: ${lock})`, width)),
    ...(rest > 0 ? [`  … and ${rest} more (--dry-run --json has them all)`] : []),
  ].join('\n')
}

function line({id, status, ms, error, note}: StepReport, longest: number, width: number | null): string {
  const mark = status === 'failed' ? '!' : ' '
  const time = ms === null ? '' : formatElapsed(ms)
  const more = [error, note].filter((text) => text !== null && text !== '').join('; ')
  const head = `${mark}${printable(id).padEnd(longest)}  ${words[status].padEnd(9)} ${time.padStart(7)}`.trimEnd()
  return more === '' ? head : `${head}\n${wrap(more, width === null ? null : width - 4).replace(/^/gm, '    ')}`
}

/** The verb for the bytes that a kind of step is known to have processed. */
const verbs: Readonly<Record<string, string>> = {
  drop: 'freed',
  compress: 'read',
  decompress: 'read',
  recompress: 'read',
}

function sizeOf(status: string, steps: readonly StepReport[], plan: Plan): string {
  const kinds = new Map(plan.steps.map(({id, kind}) => [id, kind]))
  const used = new Set(steps.map(({id}) => verbs[kinds.get(id) ?? ''] ?? 'processed'))
  const verb = used.size === 1 ? [...used][0]! : 'processed'
  const bytes = steps.reduce((sum, step) => sum + (step.bytes ?? 0), 0)
  const ms = steps.reduce((sum, step) => sum + (step.ms ?? 0), 0)
  return status !== 'done' ? '' : ` in ${formatElapsed(ms)}${bytes > 0 ? ` (${formatBytes(bytes)} ${verb})` : ''}`
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
