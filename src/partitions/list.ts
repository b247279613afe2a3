import type {Database} from '../db/database.js'
import {ident, raw, sql} from '../db/sql.js'
import {sqlState} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {aheadOf, failsFrom, missingPeriods, rangedChildren, reachOf, readNow, type Reach} from './ahead.js'
import {readChildren, type Child} from './children.js'
import {rulesByRelation} from './declared.js'
import {readLeftovers, type Leftover} from './leftovers.js'
import {readPeriods, type Every, type PartitionRule, type Period} from './periods.js'
import {readSets, type PartitionSet} from './sets.js'

/** What is wrong with a set, or soon will be. */
export interface SetFinding {
  kind:
    | 'now missing'
    | 'ahead missing'
    | 'ends'
    | 'gap'
    | 'pending'
    | 'default rows'
    | 'guard'
    | 'unfit'
    | 'unfinished drop'
    | 'kept after a drop'
  message: string
}

export interface SetReport {
  schema: string
  table: string
  /** In the configuration or the definitions. */
  managed: boolean
  managedBy: 'qicore-db' | 'pg_partman' | null
  every: Every | null
  timezone: string | null
  column: string | null
  type: string | null
  partitions: number
  from: Instant | null
  to: Instant | null
  totalBytes: number | null
  estimatedRows: number | null
  /** Periods after the one of now: wanted, and there without a gap. Null where nothing is declared. */
  ahead: {wanted: number; there: number} | null
  /** Where the partitions that follow each other from the one of now end: later inserts fail. Null: see `daysLeft`. */
  insertsUntil: Instant | null
  /** Whole days until then, 0 where there is no partition for now; null with a default partition, an open or an unknown end. */
  daysLeft: number | null
  missing: {partition: string; from: Instant; to: Instant}[]
  gaps: {from: Instant | null; to: Instant | null}[]
  detachPending: string[]
  /** Counted up to ten thousand; null where it may not be read. */
  defaultPartition: {
    partition: string
    rows: number | null
    oldest: string | null
    newest: string | null
    totalBytes: number | null
  } | null
  findings: SetFinding[]
}

export interface PartitionRow {
  schema: string
  table: string
  /** A partition may live in another schema than its table. */
  partitionSchema: string
  partition: string
  from: Instant | null
  to: Instant | null
  /** PostgreSQL's own words for the bounds. */
  bound: string
  totalBytes: number | null
  estimatedRows: number | null
  isDefault: boolean
  detachPending: boolean
}

export interface PartitionsReport {
  tables: SetReport[]
  /** Declared, and there is no partitioned table of that name. */
  absent: string[]
  partitions: PartitionRow[]
}

/** Rows of a default partition are counted up to here; more is "more than". */
export const mostCounted = 10_000

/** Every partition set, or one, with its partitions, newest first. Waits for no lock. */
export async function readPartitions(
  db: Database,
  rules: readonly PartitionRule[],
  relation: string | null,
): Promise<PartitionsReport> {
  const sets = await readSets(db, relation === null ? null : [relation])
  const relations = sets.map((set) => set.relation)
  const children = await readChildren(db, relations, true)
  const leftovers = await readLeftovers(db, relations)
  const declared = await rulesByRelation(db, rules)
  const managed = sets.flatMap((set) => {
    const rule = declared.get(set.relation)
    return rule && set.unfit === null && set.managedBy === null ? [{set, rule}] : []
  })
  const now = sets.length > 0 ? await readNow(db) : 0
  const periods = await readPeriods(
    db,
    managed.map(({set, rule}) => ({...rule, relation: set.relation, first: null, last: null})),
  )
  const tables: SetReport[] = []
  for (const set of sets) {
    const index = managed.findIndex((entry) => entry.set === set)
    const own = children.filter(({parent}) => parent === set.relation)
    const wanted = periods.filter((period) => period.index === index && period.sane)
    const table = await setReport(db, set, own, declared.get(set.relation), wanted, now)
    for (const left of leftovers.filter(({parent}) => parent === set.relation))
      table.findings.push(leftoverFinding(left))
    tables.push(table)
  }
  const byRelation = new Map(sets.map((set) => [set.relation, set]))
  const partitions = sets
    .flatMap((set) => children.filter(({parent}) => parent === set.relation).sort(newestFirst))
    .map((child) => rowOf(byRelation.get(child.parent)!, child))
  const known = new Set(
    [...declared].filter(([name]) => sets.some((set) => set.relation === name)).map(([, rule]) => rule),
  )
  const absent = relation === null ? rules.filter((rule) => !known.has(rule)).map((rule) => rule.relation) : []
  return {tables, absent, partitions}
}

async function setReport(
  db: Database,
  set: PartitionSet,
  children: readonly Child[],
  rule: PartitionRule | undefined,
  wanted: readonly Period[],
  now: number,
): Promise<SetReport> {
  const ranged = rangedChildren(children)
  const missing = missingPeriods(children, wanted)
  const reach = reachOf(set, children, now)
  const gaps = gapsOf(ranged)
  const fallback = children.find((child) => child.isDefault)
  const defaultPartition = fallback
    ? {partition: fallback.partition, totalBytes: fallback.bytes, ...(await defaultRows(db, set, fallback))}
    : null
  return {
    schema: set.schema,
    table: set.table,
    managed: rule !== undefined,
    managedBy: set.managedBy ?? (rule ? 'qicore-db' : null),
    every: rule?.every ?? null,
    timezone: rule?.timezone ?? null,
    column: set.column,
    type: set.type,
    partitions: children.length,
    from: ranged[0]?.from ?? null,
    to: ranged.at(-1)?.to ?? null,
    totalBytes: sum(children.map(({bytes}) => bytes)),
    estimatedRows: sum(children.map(({rows}) => rows)),
    ahead: wanted.length === 0 ? null : aheadOf(wanted, missing),
    insertsUntil: reach.until,
    daysLeft: reach.daysLeft,
    missing: missing.map(({partition, from, to}) => ({partition, from, to})),
    gaps,
    detachPending: children.filter(({pending}) => pending).map(({partition}) => partition),
    defaultPartition,
    findings: findingsOf(set, rule, wanted, missing, gaps, defaultPartition, reach),
  }
}

function findingsOf(
  set: PartitionSet,
  rule: PartitionRule | undefined,
  wanted: readonly Period[],
  missing: readonly Period[],
  gaps: SetReport['gaps'],
  fallback: SetReport['defaultPartition'],
  reach: Reach,
): SetFinding[] {
  const findings: SetFinding[] = []
  const find = (kind: SetFinding['kind'], message: string) => void findings.push({kind, message})
  if (rule && set.unfit !== null) find('unfit', set.unfit)
  if (missing.length > 0 && missing[0] === wanted[0])
    find(
      'now missing',
      `there is no partition for now: ${fallback ? 'rows go to the default partition' : 'inserting fails'}`,
    )
  else if (rule === undefined && reach.coversNow === false)
    find('ends', `there is no partition for now: inserting fails${reach.until === null ? '' : ` since ${reach.until}`}`)
  const ahead = missing.filter((period) => period !== wanted[0])
  if (ahead.length > 0)
    find(
      'ahead missing',
      `${ahead.length} of ${wanted.length - 1} ahead ${ahead.length === 1 ? 'is' : 'are'} missing${failsFrom(reach)}`,
    )
  if (rule === undefined && reach.last) find('ends', `no partition follows the one of now${failsFrom(reach)}`)
  if (gaps.length > 0)
    find(
      'gap',
      `${gaps.length === 1 ? 'a gap' : `${gaps.length} gaps`}, the first from ${gaps[0]!.from} to ${gaps[0]!.to}`,
    )
  for (const relation of set.pending)
    find('pending', `${relation} is pending detach: its rows are not seen and rows of its time are refused`)
  if (fallback?.rows) {
    const range =
      fallback.oldest === null
        ? ''
        : fallback.oldest === fallback.newest
          ? `, of ${fallback.oldest}`
          : `, ${fallback.oldest} to ${fallback.newest}`
    const count =
      fallback.rows > mostCounted
        ? `more than ${mostCounted} rows`
        : fallback.rows === 1
          ? '1 row'
          : `${fallback.rows} rows`
    find(
      'default rows',
      `the default partition ${fallback.partition} holds ${count}${range}: no partition can be made for their time`,
    )
  }
  if (set.guarded)
    find(
      'guard',
      `a run that was killed left a constraint on ${set.defaultPartition}: it refuses rows until the next run removes it`,
    )
  return findings
}

function leftoverFinding({relation, kind, detachedToDrop}: Leftover): SetFinding {
  if (detachedToDrop)
    return {
      kind: 'unfinished drop',
      message: `${relation} was detached to be dropped and is still there: the next partitions drop of its age drops it`,
    }
  const object = kind === 'f' ? 'FOREIGN TABLE' : 'TABLE'
  return {
    kind: 'kept after a drop',
    message: `${relation} carries the mark of a drop that did not detach it, or was changed since: it is kept. To remove the mark: COMMENT ON ${object} ${relation} IS NULL`,
  }
}

/** Between partitions that follow each other. */
function gapsOf(ranged: readonly Child[]): SetReport['gaps'] {
  const gaps: SetReport['gaps'] = []
  let last: Child | undefined
  for (const child of ranged) {
    if (last && last.toEpoch !== null && child.fromEpoch !== null && last.toEpoch < child.fromEpoch)
      gaps.push({from: last.to, to: child.from})
    last = child
  }
  return gaps
}

async function defaultRows(
  db: Database,
  set: PartitionSet,
  child: Child,
): Promise<{rows: number | null; oldest: string | null; newest: string | null}> {
  const unknown = {rows: null, oldest: null, newest: null}
  if (child.locked) return unknown
  const key = set.column === null || set.unfit !== null ? raw('null::text') : raw(`${ident(set.column).text}`)
  try {
    const [row] = await db.query<{rows: number; oldest: string | null; newest: string | null}>(
      sql`select count(*) as rows, min(key)::text as oldest, max(key)::text as newest from (select ${key} as key from ${ident(child.schema, child.partition)} limit ${raw(String(mostCounted + 1))}) as first`,
    )
    if (!row) return unknown
    return row.rows > mostCounted ? {...row, oldest: null, newest: null} : row
  } catch (error) {
    // No privilege, or another session locked it in this moment: a report goes on without.
    if (sqlState(error) === undefined) throw error
    return unknown
  }
}

function rowOf(
  set: PartitionSet,
  {schema, partition, from, to, bound, bytes, rows, isDefault, pending}: Child,
): PartitionRow {
  return {
    schema: set.schema,
    table: set.table,
    partitionSchema: schema,
    partition,
    from,
    to,
    bound,
    totalBytes: bytes,
    estimatedRows: rows,
    isDefault,
    detachPending: pending,
  }
}

function newestFirst(a: Child, b: Child): number {
  return (b.fromEpoch ?? -Infinity) - (a.fromEpoch ?? -Infinity) || (a.partition < b.partition ? 1 : -1)
}

/** Null where every part is unknown. */
function sum(parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null)
  return known.length === 0 && parts.length > 0 ? null : known.reduce((total, part) => total + part, 0)
}
