import {inline} from '../db/sql.js'
import {lockTimeoutOf, type Limits} from './limits.js'
import type {Plan, Step} from './step.js'

/** The plan as SQL that psql runs as it stands: what --dry-run prints on stdout. */
export function toScript(plan: Plan, limits: Limits): string {
  const lines = [`-- ${plan.summary}`]
  if (plan.cutoff !== null) lines.push(`-- cut-off: ${plan.cutoff}`)
  if (plan.steps.length === 0) lines.push('-- nothing to do')
  for (const step of plan.steps) lines.push('', ...stepLines(step, lockTimeoutOf(step, limits)))
  return `${lines.join('\n')}\n`
}

function stepLines(step: Step, lockTimeout: number): string[] {
  const body = step.statements.map((statement) => `${inline(statement).trim().replace(/;+$/, '')};`)
  const path = step.searchPath === undefined ? [] : [`set ${step.transaction === 'own' ? 'local ' : ''}search_path = ${step.searchPath};`]
  const head = `-- ${step.id} (lock: ${step.lock}, class: ${step.class})`
  if (step.transaction === 'none') return [head, `set lock_timeout = '${lockTimeout}ms';`, ...path, ...body, 'reset lock_timeout;']
  return [head, 'begin;', `set local lock_timeout = '${lockTimeout}ms';`, "set local timezone = 'UTC';", ...path, ...body, 'commit;']
}
