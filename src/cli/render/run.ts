import type {Plan, RunReport, StepReport} from '../../plan/step.js'
import {formatBytes} from '../../units/bytes.js'

const shown = 20
const words = {done: 'done', skipped: 'skipped', failed: 'failed', planned: 'not begun'} as const

/** How a run ended, for people: what needs one first marked `!`, at most twenty steps, and the sum last. */
export function renderRun(plan: Plan, run: RunReport): string {
  if (run.steps.length === 0) return `${capitalized(plan.summary)}: nothing to do.`
  const worth = run.steps.length <= shown ? run.steps : run.steps.filter(({status, note}) => status === 'failed' || note !== null)
  const listed = worth.slice(0, shown)
  const width = Math.min(60, Math.max(...listed.map(({id}) => id.length), 0))
  const rest = run.steps.length - listed.length
  const sums = (Object.keys(words) as (keyof typeof words)[])
    .map((status) => ({status, steps: run.steps.filter((step) => step.status === status)}))
    .filter(({steps}) => steps.length > 0)
    .map(({status, steps}) => `${steps.length} ${words[status]}${sizeOf(status, steps)}`)
  return [
    ...listed.map((step) => line(step, width)),
    ...(rest > 0 && listed.length > 0 ? [` … and ${rest} more (--json has them all)`] : []),
    `${capitalized(plan.summary)}: ${sums.join(', ')}.`,
  ].join('\n')
}

/** What is about to be done, for whoever is asked whether it may be. */
export function listSteps(plan: Plan): string {
  const rest = plan.steps.length - shown
  return [
    `${capitalized(plan.summary)}${plan.cutoff === null ? '' : ` (cut-off ${plan.cutoff})`}:`,
    ...plan.steps.slice(0, shown).map(({id, lock, class: kind}) => `${kind === 'loss' ? '!' : ' '} ${id}  (lock: ${lock})`),
    ...(rest > 0 ? [`  … and ${rest} more (--dry-run shows them all)`] : []),
  ].join('\n')
}

function line({id, status, ms, error, note}: StepReport, width: number): string {
  const mark = status === 'failed' ? '!' : ' '
  const time = ms === null ? '' : seconds(ms)
  const more = [error, note].filter(Boolean).join('; ')
  return `${mark}${id.padEnd(width)}  ${words[status].padEnd(9)} ${time.padStart(7)}${more ? `\n    ${more}` : ''}`.trimEnd()
}

function sizeOf(status: string, steps: readonly StepReport[]): string {
  const bytes = steps.reduce((sum, step) => sum + (step.bytes ?? 0), 0)
  const ms = steps.reduce((sum, step) => sum + (step.ms ?? 0), 0)
  return status !== 'done' ? '' : ` in ${seconds(ms)}${bytes > 0 ? ` (${formatBytes(bytes)})` : ''}`
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
