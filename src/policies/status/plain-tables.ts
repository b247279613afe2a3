import {policyKindNames} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {quoteLiteral, statement} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import {declaredName, type Declared} from '../declared/declared.js'
import {withProblems} from './findings.js'
import {declaredText} from './rule-text.js'
import {notLive, policyProblem, type PolicyStatus} from './types.js'

/** A declared table that is neither a hypertable nor partitioned. */
export interface PlainTable {
  declared: Declared
  /** The declared time column, else the only column of a date or time type; null if neither is known. */
  timeColumn: string | null
}

/**
 * Declared tables that exist and are neither hypertables nor partitioned, for example after a restore without the
 * extension's catalog. No policy can run on them.
 */
export async function readPlainTables(db: Database, declared: readonly Declared[]): Promise<PlainTable[]> {
  const tables = declared.filter(({section}) => section === 'tables')
  if (tables.length === 0 || !can(db.server.engine, 'hypertables')) return []
  const rows = await db.query<{schema: string; name: string; time_column: string | null}>(
    statement(loadSql('policies/plain-tables'), [tables.map(({schema}) => schema), tables.map(({name}) => name)]),
  )
  const found = new Map(rows.map((row) => [declaredName(row), row.time_column]))
  return tables
    .filter((each) => found.has(declaredName(each)))
    .map((each) => ({declared: each, timeColumn: each.timeColumn ?? found.get(declaredName(each)) ?? null}))
}

export function notHypertable({declared, timeColumn}: PlainTable): string {
  const name = declaredName(declared)
  const problem = `${name} is a plain table, not a hypertable: no policy runs on it.`
  if (timeColumn === null)
    return (
      `${problem} Which of its columns is the time is not declared: set hypertable.time of ${name} in the ` +
      'configuration, and this message has the statement that converts it'
    )
  return (
    `${problem} To convert it, in psql: SELECT create_hypertable(${quoteLiteral(name)}, ` +
    `by_range(${quoteLiteral(timeColumn)}), migrate_data => true)`
  )
}

/** One status (not ok) for each declared kind. */
export function plainStatus(plain: PlainTable): PolicyStatus[] {
  const each = plain.declared
  return policyKindNames
    .filter((kind) => each[kind] !== undefined && each[kind] !== 'none')
    .map((kind) =>
      withProblems(
        {
          schema: each.schema,
          table: each.name,
          kind,
          managed: true,
          runner: 'none',
          runnerAlive: false,
          gated: false,
          declared: declaredText(each, kind),
          ...notLive,
          ok: false,
        },
        [policyProblem('not_a_hypertable', notHypertable(plain))],
      ),
    )
}
