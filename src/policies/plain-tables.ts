import {policyKindNames} from '../catalog/live-policies.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {can} from '../engines/index.js'
import {declaredName, type Declared} from './declared.js'
import {withProblems} from './findings.js'
import {declaredText} from './rule-text.js'
import {policyProblem, type PolicyStatus} from './status-types.js'

/**
 * Declared tables that exist and are neither hypertables nor partitioned, for example after a restore without the
 * extension's catalog. No policy can run on them.
 */
export async function readPlainTables(db: Database, declared: readonly Declared[]): Promise<Declared[]> {
  const tables = declared.filter(({section}) => section === 'tables')
  if (tables.length === 0 || !can(db.server.engine, 'hypertables')) return []
  const rows = await db.query<{schema: string; name: string}>(
    statement(loadSql('policies/plain-tables'), [tables.map(({schema}) => schema), tables.map(({name}) => name)]),
  )
  const found = new Set(rows.map(declaredName))
  return tables.filter((each) => found.has(declaredName(each)))
}

export function notHypertable(each: Declared): string {
  return `${declaredName(each)} is a plain table, not a hypertable: no policy runs on it. To convert it, in psql: SELECT create_hypertable('${declaredName(each).replaceAll("'", "''")}', by_range('<time column>'), migrate_data => true)`
}

/** One status (not ok) for each declared kind. */
export function plainStatus(each: Declared): PolicyStatus[] {
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
          live: null,
          jobId: null,
          paused: null,
          due: null,
          notDone: null,
          ok: false,
          lastStatus: null,
          lastRunAt: null,
          nextRunAt: null,
          lastError: null,
          lastErrorVisible: true,
        },
        [policyProblem('not_a_hypertable', notHypertable(each))],
      ),
    )
}
