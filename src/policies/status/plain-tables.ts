import {policyKindNames, type PolicyKindName} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {quoteLiteral, statement} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import {usageError, type OpsError} from '../../errors.js'
import {whyNotTable} from '../../catalog/resolve-table.js'
import type {Table} from '../../catalog/table.js'
import {durationInWords} from '../../units/duration.js'
import {declaredName, type Declared} from '../declared/declared.js'
import {withProblems} from './findings.js'
import {declaredText} from './rule-text.js'
import {fixBy, notLive, policyProblem, type PolicyStatus} from './types.js'

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

export function notHypertable({declared, timeColumn}: PlainTable): OpsError {
  const name = declaredName(declared)
  const {chunkInterval} = declared
  const interval = chunkInterval === undefined ? '' : `, interval ${quoteLiteral(durationInWords(chunkInterval))}`
  return usageError('NOT_A_HYPERTABLE', `${name} is a plain table, not a hypertable: no policy runs on it.`, [
    timeColumn === null
      ? `Which of its columns is the time is not declared: set hypertable.time of ${name} in the configuration, and ` +
        'this message has the statement that converts it'
      : `To convert it, in psql: SELECT create_hypertable(${quoteLiteral(name)}, ` +
        `by_range(${quoteLiteral(timeColumn)}${interval}), migrate_data => true)`,
  ])
}

/** A declared object that exists and can have no policy: an ordinary table, a view, a partition. */
export interface UnfitRelation {
  declared: Declared
  error: OpsError
}

/** @param declared those that are none of the time-series tables `tables` */
export async function readUnfit(
  db: Database,
  tables: readonly Table[],
  declared: readonly Declared[],
): Promise<UnfitRelation[]> {
  const withPolicy = declared.filter((each) => declaredKinds(each).length > 0)
  if (withPolicy.length === 0) return []
  const plain = await readPlainTables(db, withPolicy)
  const others = withPolicy.filter((each) => !plain.some(({declared: known}) => known === each))
  const errors = await Promise.all(
    others.map(async (each) => ({declared: each, error: await whyNotTable(db, tables, declaredName(each))})),
  )
  return [
    ...plain.map((each) => ({declared: each.declared, error: notHypertable(each)})),
    ...errors.filter(({error}) => error.code !== 'NO_SUCH_TABLE'),
  ]
}

/** The kinds of policy that are declared for an object. */
export function declaredKinds(each: Declared): PolicyKindName[] {
  return policyKindNames.filter((kind) => each[kind] !== undefined && each[kind] !== 'none')
}

/** One status (not ok) for each declared kind. */
export function unfitStatus({declared: each, error}: UnfitRelation): PolicyStatus[] {
  const [advice] = error.suggestions
  return declaredKinds(each).map((kind) =>
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
      [
        policyProblem(
          'not_a_hypertable',
          error.message.replace(/\.$/, ''),
          advice === undefined ? null : fixBy(advice, 'advice', ''),
        ),
      ],
    ),
  )
}
