import {batching} from '../db/batching.js'
import type {Database} from '../db/database.js'
import type {CronEntry} from '../catalog/cron-entries.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import type {Instant} from '../units/instant.js'
import {
  aheadOf,
  gapsOf,
  isManaged,
  missingPeriods,
  rangedChildren,
  reachOf,
  readNow,
  wantedOf,
  type Gap,
} from './ahead.js'
import {readChildren, type Child} from './children.js'
import {readCreators} from './create/cron-creation.js'
import {readDefaultPartition, type DefaultPartition} from './drain/default-rows.js'
import {readDrained} from './drain/mark.js'
import {drainFinding, leftoverFinding, setFindings, type SetFinding} from './findings.js'
import {readLeftovers} from './detach/leftovers.js'
import {readPeriods, type PartitionRule, type Period} from './periods.js'
import type {Every} from '../units/period.js'
import {wholeSum} from '../units/whole-sum.js'
import {readRemembered} from './retain/remembered.js'
import {nameKey, readSets, type PartitionSet} from './sets.js'
import {stagesFinding} from './retain/stage-findings.js'

export interface SetReport {
  schema: string
  table: string
  /** Declared in the configuration or the definitions. */
  managed: boolean
  /** `pg_cron`: an entry of it calls create_time_partitions of Citus. */
  managedBy: 'qicore-db' | 'pg_partman' | 'pg_cron' | null
  every: Every | null
  timezone: string | null
  column: string | null
  type: string | null
  /** Why its partitions are not ranges of time; null if they are. */
  unfit: string | null
  partitions: number
  from: Instant | null
  to: Instant | null
  totalBytes: number | null
  /** Null if a partition with rows was never analyzed. */
  estimatedRows: number | null
  /** Number of periods after the current one: wanted, and existing without a gap. Null if none are declared. */
  ahead: {wanted: number; there: number} | null
  /** End of the partitions that follow the current one without a gap: later inserts fail. Null: see `daysLeft`. */
  insertsUntil: Instant | null
  /** With a default partition: from when on rows go there. Null without one, or if unknown or open. */
  defaultFrom: Instant | null
  /**
   * Whole days from now to `insertsUntil`; 0 if no partition covers now. Null with a default partition, or if the end
   * is open or unknown.
   */
  daysLeft: number | null
  missing: {partition: string; from: Instant; to: Instant}[]
  gaps: Gap[]
  detachPending: string[]
  defaultPartition: DefaultPartition | null
  findings: SetFinding[]
}

export interface PartitionRow {
  schema: string
  table: string
  /** A partition may be in another schema than its table. */
  partitionSchema: string
  partition: string
  from: Instant | null
  to: Instant | null
  /** PostgreSQL's text of the bounds. */
  bound: string
  totalBytes: number | null
  estimatedRows: number | null
  isDefault: boolean
  detachPending: boolean
}

export interface PartitionsReport {
  tables: SetReport[]
  /** Declared tables for which the database has no partitioned table. */
  absent: string[]
  partitions: PartitionRow[]
}

/**
 * Every partition set, or one, with its partitions, newest first. Waits for no lock. The number of round trips does not
 * depend on the number of sets.
 * @param sizes if false, bytes and rows are not measured and are null
 */
export async function readPartitions(
  database: Database,
  rules: readonly PartitionRule[],
  relation: string | null,
  sizes = true,
): Promise<PartitionsReport> {
  const db = batching(database)
  const [found, now, creators] = await Promise.all([
    readSets(db, relation === null ? null : [relation], rules),
    readNow(db),
    readCreators(db),
  ])
  const sets = shownSets(found, relation)
  const relations = sets.map((set) => set.relation)
  const managed = sets.filter(isManaged)
  const staged = sets.some(({rule}) => rule?.stages)
  const [children, leftovers, drained, periods, remembered] = await Promise.all([
    readChildren(db, sets, sizes),
    readLeftovers(db, relations),
    readDrained(db, relations),
    readPeriods(db, managed.map(wantedOf)),
    staged ? readRemembered(db, {relations, sizes: false}) : null,
  ])
  const tables = await Promise.all(
    sets.map(async (set) => {
      const index = (managed as readonly PartitionSet[]).indexOf(set)
      const own = children.filter(({parent}) => parent === set.relation)
      const wanted = periods.filter((period) => period.index === index && period.sane)
      const creator = creators.get(formatQualifiedName(set.schema, set.table)) ?? null
      const table = await setReport(db, {set, creator}, own, wanted, now)
      for (const left of leftovers.filter(({parent}) => parent === set.relation))
        table.findings.push(leftoverFinding(left))
      const late = stagesFinding(set, own, remembered ?? [], BigInt(Math.round(now * 1e6)))
      if (late !== null) table.findings.push(late)
      for (const drain of drained.filter(({of}) => of === set.relation)) table.findings.push(drainFinding(drain, set))
      return table
    }),
  )
  const byRelation = new Map(sets.map((set) => [set.relation, set]))
  const partitions = sets
    .flatMap((set) => children.filter(({parent}) => parent === set.relation).sort(newestFirst))
    .map((child) => rowOf(byRelation.get(child.parent)!, child))
  const known = new Set(found.map((set) => nameKey(set.relation)))
  const absent =
    relation === null ? rules.filter((rule) => !known.has(nameKey(rule.relation))).map((rule) => rule.relation) : []
  return {tables, absent, partitions}
}

/** Of one table the sets that carry its time. Of all tables those too that carry none, with the reason. */
function shownSets(sets: readonly PartitionSet[], relation: string | null): PartitionSet[] {
  const named = sets.find((set) => set.relation === relation)
  if (named === undefined) return [...sets]
  return named.levels.length === 0 ? [named] : sets.filter((set) => named.levels.includes(set.relation))
}

async function setReport(
  db: Database,
  {set, creator}: {set: PartitionSet; creator: CronEntry | null},
  children: readonly Child[],
  wanted: readonly Period[],
  now: number,
): Promise<SetReport> {
  const {rule} = set
  const ranged = rangedChildren(children)
  const missing = missingPeriods(children, wanted)
  const reach = reachOf(set, children, now)
  const gaps = gapsOf(ranged)
  const child = children.find(({isDefault}) => isDefault)
  const defaultPartition = child ? await readDefaultPartition(db, set, child) : null
  return {
    schema: set.schema,
    table: set.table,
    managed: rule !== null && set.levels.length === 0,
    managedBy: set.managedBy ?? (rule !== null && set.levels.length === 0 ? 'qicore-db' : creator && 'pg_cron'),
    every: rule?.every ?? null,
    timezone: rule?.timezone ?? null,
    column: set.column,
    type: set.type,
    unfit: reasonOf(set),
    partitions: children.length,
    from: ranged[0]?.from ?? null,
    to: ranged.at(-1)?.to ?? null,
    totalBytes: sum(children.map(({bytes}) => bytes)),
    estimatedRows: wholeSum(children.map(({rows}) => rows)),
    ahead: wanted.length === 0 ? null : aheadOf(wanted, missing),
    insertsUntil: reach.until,
    defaultFrom: reach.defaultFrom,
    daysLeft: reach.daysLeft,
    missing: missing.map(({partition, from, to}) => ({partition, from, to})),
    gaps,
    detachPending: children.filter(({pending}) => pending).map(({partition}) => partition),
    defaultPartition,
    findings: setFindings({set, creator, wanted, missing, gaps, defaultPartition, reach}),
  }
}

/** Why a set has no times; a table above the level of time names the tables that have them. */
function reasonOf({unfit, levels}: PartitionSet): string | null {
  if (unfit === null || levels.length === 0) return unfit
  const named = levels.length > 5 ? [...levels.slice(0, 5), `${levels.length - 5} more`] : levels
  return `${unfit} Its time is in the partitions of ${named.join(', ')}.`
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

/** The sum of the known parts; null if every part is unknown. For bytes: a locked partition is left out. */
function sum(parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null)
  return known.length === 0 && parts.length > 0 ? null : known.reduce((total, part) => total + part, 0)
}
