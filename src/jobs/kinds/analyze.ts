import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {doBlock, ident, sql, statement} from '../../db/sql.js'
import type {Plan, Step} from '../../run/step.js'
import {readTables} from '../../catalog/read-tables.js'
import {findRelations, whyNotTable} from '../../catalog/resolve-table.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {usageError, type OpsError} from '../../errors.js'
import type {JobContext, JobKind} from '../kind.js'
import {chosen, declaredHere} from './tables.js'

/** Runs ANALYZE on the declared tables. */
export const job: JobKind<'analyze'> = {
  kind: 'analyze',
  summary: "Updates the planner's statistics of the declared tables (ANALYZE).",
  async plan(db, {tables}, context) {
    const {plan, notes, problems} = await analyzePlan(db, tables, context)
    return {plans: [plan], enforced: [], notes, problems}
  },
}

interface Named {
  schema: string
  name: string
}

/** The declared tables, or those in `tables`, split into those that exist and those that do not. */
export async function maintained(
  db: Database,
  tables: readonly string[] | undefined,
  context: JobContext,
): Promise<{there: Named[]; missing: Named[]}> {
  const declared = (await declaredHere(db, context))
    .filter(({section}) => section === 'tables')
    .map(({schema, name}) => ({schema, name}))
  const wanted = chosen(declared, tables, (schema, name) => ({schema, name}))
  const there = await db.query<Named>(
    statement(loadSql('jobs/existing'), [wanted.map(({schema}) => schema), wanted.map(({name}) => name)]),
  )
  return {
    there,
    missing: wanted.filter((one) => !there.some(({schema, name}) => schema === one.schema && name === one.name)),
  }
}

export async function analyzePlan(
  db: Database,
  tables: readonly string[] | undefined,
  context: JobContext,
): Promise<{plan: Plan; notes: string[]; problems: OpsError[]}> {
  const {there, missing} = await maintained(db, tables, context)
  const {stored, unfit} = await withoutStatistics(db, missing)
  // ANALYZE of a hypertable processes every chunk; inside a transaction block it would hold all their locks to the end.
  const alone = !db.server.pooled || db.target.directUrl !== undefined
  return {
    plan: {
      operation: 'analyze',
      summary: 'update statistics',
      cutoff: null,
      tables: [],
      locks: [],
      steps: [...there, ...stored].map((table) => analyzeStep(table, alone)),
    },
    // A declared table may not have been created yet; one that the job names must exist.
    notes: tables === undefined ? unfit.map(({message}) => message) : [],
    problems: tables === undefined ? [] : unfit,
  }
}

/** Names that ANALYZE does not accept: an aggregate has its rows in another table, and other views have no statistics. */
async function withoutStatistics(
  db: Database,
  missing: readonly Named[],
): Promise<{stored: Named[]; unfit: OpsError[]}> {
  if (missing.length === 0) return {stored: [], unfit: []}
  const all = await readTables(db)
  const found: {stored: Named[]; unfit: OpsError[]} = {stored: [], unfit: []}
  for (const each of missing) {
    const key = qualifiedName(each)
    const aggregate = all.find((one) => qualifiedName(one) === key)
    if (aggregate !== undefined) found.stored.push(aggregate.storage)
    else found.unfit.push(await whyNotAnalyzed(db, all, each))
  }
  return found
}

async function whyNotAnalyzed(db: Database, all: readonly Table[], each: Named): Promise<OpsError> {
  const key = qualifiedName(each)
  const [relation] = await findRelations(db, each)
  if (relation?.kind === 'v')
    return usageError('NOT_A_TABLE', `${key} is a view: it has no statistics of its own.`, [
      'Use the names of the tables that it reads.',
    ])
  return whyNotTable(db, all, key)
}

function analyzeStep({schema, name}: {schema: string; name: string}, alone: boolean): Step {
  const key = qualifiedName({schema, name})
  return {
    id: `analyze ${key}`,
    kind: 'analyze',
    object: key,
    statements: [privilegeCheck(key), sql`analyze ${ident(schema, name)}`],
    lock: 'SHARE UPDATE EXCLUSIVE',
    class: 'safe',
    transaction: alone ? 'none' : 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [key],
    bytes: null,
  }
}

/**
 * For a table that the role may not analyze, ANALYZE only sends a warning and succeeds, so this raises 42501 before it.
 * Allowed are the owners of the table and of the database, and from PostgreSQL 17 on roles with MAINTAIN. Partitions
 * and chunks are checked too.
 */
function privilegeCheck(table: string) {
  return doBlock`
declare
  refused text;
begin
  with recursive below as (
    select to_regclass(${table})::oid as oid
    union
    select i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid
  )
  select c.oid::regclass::text into refused
  from below b
  join pg_class c on c.oid = b.oid
  join pg_database d on d.datname = current_database()
  where not case
    when pg_has_role(c.relowner, 'usage') or pg_has_role(d.datdba, 'usage') then true
    when current_setting('server_version_num')::integer >= 170000 then has_table_privilege(c.oid, 'MAINTAIN')
    else false
  end
  order by b.oid
  limit 1;
  if refused is not null then
    raise exception using errcode = '42501', message = format('permission denied: only the owner of %s, or of the database, can analyze it', refused);
  end if;
end`
}
