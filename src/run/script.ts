import {inline, lineComment, quoteIdent, quoteLiteral, type Statement} from '../db/sql.js'
import {lockTimeoutOf, type Limits} from './limits.js'
import type {Plan, Step} from './step.js'

/**
 * The plan as SQL that psql runs as it stands: what --dry-run prints on stdout. @param database the one that the script
 * is begun in
 */
export function toScript(plan: Plan, limits: Limits, database?: string): string {
  const lines = [lineComment(plan.summary)]
  if (plan.cutoff !== null) lines.push(lineComment(`cut-off: ${plan.cutoff}`))
  if (plan.steps.length === 0) lines.push('-- nothing to do')
  let at = database
  for (const step of plan.steps) {
    const where = step.database ?? database
    if (where !== undefined && where !== at) lines.push('', ...connect(where))
    at = where
    lines.push('', ...stepLines(step, lockTimeoutOf(step, limits)))
  }
  return `${lines.join('\n')}\n`
}

/**
 * psql takes a name with = or the beginning of a URL for a connection string, and an argument ends with the line: such
 * a
 * name goes through a variable, within a connection string of its own.
 */
function connect(database: string): string[] {
  if (!/[=\r\n]|^postgres(ql)?:\/\//.test(database)) return [`\\connect ${quoteIdent(database)}`]
  const connection = `dbname='${database.replace(/[\\']/g, '\\$&')}'`
  return [
    `select ${quoteLiteral(connection)} as qicore_database \\gset`,
    '\\connect -reuse-previous=on :"qicore_database"',
  ]
}

function stepLines(step: Step, lockTimeout: number): string[] {
  const body = [...step.statements, ...(step.followUp ? [step.followUp] : [])].map(terminated)
  const path =
    step.searchPath === undefined
      ? []
      : [`set ${step.transaction === 'own' ? 'local ' : ''}search_path = ${step.searchPath};`]
  const head = lineComment(`${step.id} (lock: ${step.lock}, class: ${step.class})`)
  if (step.transaction === 'none')
    return [head, `set lock_timeout = '${lockTimeout}ms';`, ...path, ...body, 'reset lock_timeout;']
  return [
    head,
    'begin;',
    `set local lock_timeout = '${lockTimeout}ms';`,
    "set local timezone = 'UTC';",
    ...path,
    ...body,
    'commit;',
  ]
}

/** On a line of its own where the last line may end in a comment, which would swallow it. */
function terminated(statement: Statement): string {
  const text = inline(statement).trim().replace(/;+$/, '')
  return text.slice(text.lastIndexOf('\n') + 1).includes('--') ? `${text}\n;` : `${text};`
}
