import {inline, lineComment, quoteIdent, quoteLiteral, type Statement} from '../db/sql.js'
import {lockTimeoutOf, type Limits} from './limits.js'
import type {Plan, Step} from './step.js'

/**
 * The plan as a psql script: what --dry-run prints on stdout.
 * @param database the database in which the script starts
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
 * psql reads a name that contains = or starts like a URL as a connection string, and an argument ends at the end of the
 * line. Such a name is passed through a variable that holds a complete connection string.
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
  const work = step.work === undefined ? [] : [lineComment(`not SQL: ${step.work.words}`)]
  if (work.length > 0 && body.length === 0) return [head, ...work]
  if (step.transaction === 'none')
    return [head, `set lock_timeout = '${lockTimeout}ms';`, ...path, ...body, 'reset lock_timeout;']
  return [
    head,
    ...work,
    'begin;',
    `set local lock_timeout = '${lockTimeout}ms';`,
    "set local timezone = 'UTC';",
    ...path,
    ...body,
    'commit;',
  ]
}

/** Appends the semicolon, on a separate line if the last line may end in a comment. */
function terminated(statement: Statement): string {
  const text = inline(statement).trim().replace(/;+$/, '')
  return text.slice(text.lastIndexOf('\n') + 1).includes('--') ? `${text}\n;` : `${text};`
}
