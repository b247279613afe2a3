import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Step} from './step.js'

interface HolderRow {
  pid: number
  user: string | null
  application: string | null
  state: string | null
  query: string | null
  seconds: number | null
  mode: string
  relation: string
}

/** Who stands in the way of a step, in one line for people; null where nobody can be seen any more. */
export async function nameBlockers(db: Database, step: Step): Promise<string | null> {
  if (step.relations.length === 0) return null
  // Naming them is a kindness: it must not be what fails.
  const rows = await db
    .query<HolderRow>(statement(loadSql('catalog/lock-holders'), [step.relations, step.lock]))
    .catch(() => [])
  return rows.length === 0 ? null : rows.map(describe).join('; ')
}

function describe({pid, user, application, state, query, seconds, mode, relation}: HolderRow): string {
  const who = `pid ${pid} (${[user, application].filter(Boolean).join(', ') || 'unknown'})`
  const since = seconds === null ? '' : ` for ${Math.round(seconds)} s`
  const doing = query ? `, ${state ?? 'running'}: ${query.replace(/\s+/g, ' ').slice(0, 80)}` : ''
  return `${who} holds ${mode} on ${relation}${since}${doing}`
}
