import {unreadableNote} from '../../catalog/read-emulated.js'
import {whyNotTable} from '../../catalog/resolve-table.js'
import type {Database} from '../../db/database.js'
import {formatQualifiedName, parseQualifiedName} from '../../db/qualified-name.js'
import type {LivePolicy, PolicyKindName} from '../../catalog/live-policies.js'
import type {Declared} from '../../policies/declared/declared.js'
import {readUnfit} from '../../policies/status/plain-tables.js'
import {readDeclared, timeUnitsOf} from '../../policies/declared/read-declared.js'
import {cronCalls, enforces, yieldsToDaemon} from '../../policies/status/cron-duties.js'
import {policyExportsRows} from '../../policies/retention-export.js'
import {readSnapshot, type CatalogSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {OpsError, usageError} from '../../errors.js'
import {kindNamed} from '../../policies/kinds/index.js'
import {placeOf} from '../../policies/place.js'
import {command} from '../../units/command.js'
import type {JobContext, OtherRunner} from '../kind.js'

/** The tables and aggregates declared for this database, by the configuration and by applied migrations. */
export function declaredHere(db: Database, {sections}: Pick<JobContext, 'sections'>): Promise<Declared[]> {
  return readDeclared(db, sections)
}

/** The tables that a job's options name, or all. A name that is not declared is passed to `make`. */
export function chosen<T extends {schema: string; name: string}>(
  all: readonly T[],
  names: readonly string[] | undefined,
  make: (schema: string, name: string) => T,
): T[] {
  if (names === undefined) return [...all]
  return names.map((text) => {
    const {schema, name} = parseQualifiedName(text)
    const key = formatQualifiedName(schema ?? 'public', name)
    return all.find((one) => formatQualifiedName(one.schema, one.name) === key) ?? make(schema ?? 'public', name)
  })
}

/** A table with its policies of one kind that no other scheduler runs. */
export interface JobSubject {
  table: Table
  policies: LivePolicy[]
}

export interface JobWork {
  snapshot: CatalogSnapshot
  subjects: JobSubject[]
  enforced: {what: string; by: OtherRunner}[]
  notes: string[]
  /** Declared policies that cannot run, because the table is not a time-series table. */
  problems: OpsError[]
  /** Why the policy of a named object cannot run. Those of objects that the job does not name are in `problems`. */
  unfit: OpsError[]
}

/**
 * The live policies of a kind on the declared tables, or on those named. Policies that TimescaleDB runs are left to it,
 * even if it is unknown whether its workers are running. Paused policies stay paused. A declaration that was never
 * applied is not a policy.
 */
export async function policyWork(
  db: Database,
  kind: PolicyKindName,
  names: readonly string[] | undefined,
  context: JobContext,
): Promise<JobWork> {
  const declared = await declaredHere(db, context)
  const snapshot = await readSnapshot(db, {lateAfter: context.limits.lateAfter, timeUnits: timeUnitsOf(declared)})
  const wanted = chosen(
    declared.map(({schema, name}) => ({schema, name})),
    names,
    (schema, name) => ({schema, name}),
  ).map(qualifiedName)
  const cron = context.leaveToCron ? ((await cronCalls(db)) ?? []).filter((call) => !yieldsToDaemon(call)) : []
  const missing = declared.filter(
    (each) =>
      wanted.includes(qualifiedName(each)) &&
      each[kind] !== undefined &&
      each[kind] !== 'none' &&
      !snapshot.tables.some((one) => qualifiedName(one) === qualifiedName(each)),
  )
  const relations = await readUnfit(db, snapshot.all, missing)
  const problems = names === undefined ? relations.map(({error}) => error) : []
  const work: JobWork = {snapshot, subjects: [], enforced: [], notes: [], problems, unfit: []}
  for (const key of new Set(wanted)) {
    const table = snapshot.tables.find((one) => qualifiedName(one) === key)
    const policies = snapshot.policies.filter((policy) => policy.table === table && policy.kind === kind)
    if (table === undefined || policies.length === 0) {
      if (names === undefined) continue
      const known = relations.find(({declared: each}) => qualifiedName(each) === key)?.error
      work.unfit.push(
        table === undefined
          ? (known ?? (await whyNotTable(db, snapshot.all, key)))
          : noPolicy(db, table, kind, {snapshot, declared, job: context.job}),
      )
      continue
    }
    const paused = policies.filter(({job}) => job !== null && !job.scheduled)
    if (paused.length > 0) work.notes.push(`the ${kind} policy of ${key} is paused`)
    const own = policies.filter((policy) => !paused.includes(policy))
    const theirs = own.filter(({job}) => job !== null)
    if (theirs.length > 0 && db.server.workers !== 'dead') {
      work.enforced.push({what: `${kind} of ${key}`, by: 'timescaledb'})
      if (db.server.workers === 'unknown')
        work.notes.push(`it is unknown whether TimescaleDB's workers are running: ${kind} of ${key} is left to them`)
      continue
    }
    if (own.length > 0 && !own.some(policyExportsRows) && cron.some((call) => enforces(call, kind, key))) {
      work.enforced.push({what: `${kind} of ${key}`, by: 'pg_cron'})
      if (!db.server.pgCronAlive)
        work.notes.push(
          `pg_cron's scheduler is not running: ${kind} of ${key} waits for it. "runner: daemon" assigns it to the ` +
            'daemon',
        )
      continue
    }
    if (own.length > 0) work.subjects.push({table, policies: own})
  }
  return work
}

/** Why a time-series table that a job names has no live policy of the kind. */
function noPolicy(
  db: Database,
  table: Table,
  kind: PolicyKindName,
  {snapshot, declared, job}: {snapshot: CatalogSnapshot; declared: readonly Declared[]; job: string},
): OpsError {
  const key = qualifiedName(table)
  const impossible = kindNamed(kind).impossible(placeOf(table, db.server))
  if (impossible !== null) return usageError(impossible.code, `${key}: ${impossible.why}.`, impossible.suggestions)
  if (!snapshot.policiesReadable)
    return new OpsError('NO_PRIVILEGE', `Whether ${key} has a ${kind} policy is unknown.`, {
      suggestions: [unreadableNote(db.server)],
    })
  const rule = declared.find((each) => qualifiedName(each) === key)?.[kind]
  const section = table.kind === 'aggregate' ? 'aggregates' : 'tables'
  return usageError('NO_SUCH_POLICY', `${key} has no ${kind} policy, so jobs.${job} has nothing to run on it.`, [
    rule === undefined || rule === 'none'
      ? `Declare ${section}.${key}.${kind} in the configuration, or take ${key} out of jobs.${job}.`
      : `Its policy is declared and not applied. To apply it: ${command('policies apply')}`,
  ])
}
