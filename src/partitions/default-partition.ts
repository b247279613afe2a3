import {readOnlySettings, type Database} from '../db/database.js'
import {doBlock, ident, list, literal, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {Period} from './periods.js'
import type {KeyRange} from './key-range.js'
import {inWords, keyEnds} from './key-values.js'
import type {PartitionSet} from './sets.js'

/** Up to this size ATTACH scans the default partition under its exclusive lock: that takes a few milliseconds. */
export const smallBytes = 1_000_000
const guard = 'qicore_partition_guard'

/** Counting reads the whole default partition: it may take as long as it needs. */
export const countSettings = {...readOnlySettings, statementTimeout: 0}

/** Rows of the default partition that belong to a period, whose partition cannot be created while they exist. */
export interface Stray<P> {
  period: P
  rows: number
  /** The blocks between which they are. */
  firstBlock: number
  lastBlock: number
  /** As text of the key's type, or the instant where that says nothing. */
  oldest: string
  newest: string
}

/** Scans the default partition once for all periods. */
export async function misplacedRows<P extends {range: KeyRange}>(
  db: Database,
  set: PartitionSet,
  periods: readonly P[],
): Promise<Stray<P>[]> {
  if (set.defaultPartition === null || periods.length === 0) return []
  const edges = runsOf(periods).flatMap((run) => [
    ...run.map(({range}) => range.lowerText),
    run.at(-1)!.range.upperText,
  ])
  const column = ident(set.column!)
  const found = await db.query<Omit<Stray<P>, 'period'> & {edge: number}>(
    sql`select width_bucket(${column}, array[${list(edges.map((edge) => literal(edge)))}]::${raw(set.type!)}[]) as edge, count(*) as rows, ${keyEnds(set.key!, column)},
  (min(ctid)::text::point)[0]::int8 as "firstBlock", (max(ctid)::text::point)[0]::int8 as "lastBlock"
from ${raw(set.defaultPartition)}
where ${column} >= ${literal(edges[0]!)} and ${column} < ${literal(edges.at(-1)!)}
group by 1
order by 1`,
    countSettings,
  )
  return found.flatMap(({edge, ...stray}) => {
    const period = periods.find(({range}) => range.lowerText === edges[edge - 1])
    return period ? [{period, ...stray, ...inWords(set.key!, stray)}] : []
  })
}

/** Periods that follow each other without a gap. */
function runsOf<P extends {range: KeyRange}>(periods: readonly P[]): P[][] {
  const runs: P[][] = []
  for (const period of periods) {
    const last = runs.at(-1)
    if (last?.at(-1)?.range.upperText === period.range.lowerText) last.push(period)
    else runs.push([period])
  }
  return runs
}

/**
 * Steps around the ATTACH of partitions to a set with a large default partition. They add a constraint and validate it
 * under a weak lock, so that ATTACH does not have to scan the default partition under ACCESS EXCLUSIVE.
 */
export function guardSteps(
  set: PartitionSet,
  periods: readonly Period[],
): {before: Step[]; each: Statement[]; after: Step[]} {
  const {defaultPartition, defaultBytes, column} = set
  const left = defaultPartition !== null && set.guarded ? [removeGuard(set, 'what a killed run left')] : []
  if (defaultPartition === null || periods.length === 0 || (defaultBytes !== null && defaultBytes <= smallBytes))
    return {before: left, each: [], after: []}
  const key = ident(column!)
  const outside = runsOf(periods)
    .map(
      (run) =>
        sql`(${key} is null or ${key} < ${literal(run[0]!.range.lowerText)} or ${key} >= ${literal(run.at(-1)!.range.upperText)})`,
    )
    .reduce((all, one) => sql`${all} and ${one}`)
  const shape = {
    object: defaultPartition,
    class: 'safe',
    transaction: 'own',
    relations: [defaultPartition],
    bytes: null,
    repeatable: true,
  } as const
  const add: Step = {
    ...shape,
    id: `guard ${defaultPartition}`,
    kind: 'guard default partition',
    statements: [sql`alter table ${raw(defaultPartition)} add constraint ${ident(guard)} check (${outside}) not valid`],
    lock: 'ACCESS EXCLUSIVE',
    doneCheck: null,
    dependsOn: left.map(({id}) => id),
  }
  const check: Step = {
    ...shape,
    id: `check ${defaultPartition}`,
    kind: 'guard default partition',
    statements: [sql`alter table ${raw(defaultPartition)} validate constraint ${ident(guard)}`],
    lock: 'SHARE UPDATE EXCLUSIVE',
    doneCheck: null,
    dependsOn: [add.id],
    bytes: defaultBytes,
  }
  return {
    before: [...left, add, check],
    each: [requireGuard(defaultPartition)],
    after: [{...removeGuard(set, 'done'), dependsOn: [add.id]}],
  }
}

/**
 * A step that was retried may run after the constraint was removed. It fails then: ATTACH would scan the whole default
 * partition under the lock.
 */
function requireGuard(partition: string): Statement {
  return doBlock`
begin
  if not exists (select from pg_constraint where conrelid = to_regclass(${partition}) and conname = ${guard} and convalidated) then
    raise exception using errcode = '55000', message = ${`the constraint that spares a scan of ${partition} is gone: run the command again`};
  end if;
end`
}

function removeGuard(set: PartitionSet, why: string): Step {
  const partition = set.defaultPartition!
  return {
    id: `unguard ${partition} (${why})`,
    kind: 'guard default partition',
    object: partition,
    statements: [sql`alter table ${raw(partition)} drop constraint if exists ${ident(guard)}`],
    lock: 'ACCESS EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [partition],
    bytes: null,
  }
}
