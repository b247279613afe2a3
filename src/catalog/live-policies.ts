import type {Database} from '../db/database.js'
import {readReadOnlyOwners} from './read-only-owners.js'
import {engineNamed} from '../engines/index.js'
import {goesByAge, policyKindNames, policyProcedures, type PolicyKindName} from '../engines/policy-kinds.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {parseDuration, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {findByName, readQicoreRows} from './read-emulated.js'
import {parseIntervalText} from './interval.js'
import type {Table} from './table.js'

export {goesByAge, policyKindNames, policyProcedures, type PolicyKindName}

/** An age: a duration, or a number in the table's unit if its time is an integer. */
export type Offset = Duration | bigint

/** The order in which the rows of a chunk are stored; null where the policy does not say. */
export interface RowOrder {
  /** Rows with equal values in these columns are next to each other. */
  segmentBy: readonly string[] | null
  /** Within such a group, as in the configuration: `time desc`. */
  orderBy: readonly string[] | null
}

/** A policy as the database has it, whichever runner runs it. */
export interface LivePolicy {
  table: Table
  kind: PolicyKindName
  /** The job of TimescaleDB's scheduler; null for a row of qicore.policies. */
  job: PolicyJob | null
  /** The role that wrote the row of qicore.policies, and when; null for a job of TimescaleDB. */
  declared: {by: string; at: Instant} | null
  /** The age at which rows are due for compression or retention. */
  after: Offset | null
  /** A retention with stages: at the age `after` a partition is detached, not dropped. */
  detaches?: boolean
  /** The same as `after`, by the creation of the chunk instead of the age of its rows. */
  createdBefore: Duration | null
  /** The window of a refresh; null means open on that side. */
  startOffset: Offset | null
  endOffset: Offset | null
  /** Whether a compressed chunk that received rows is compressed again. */
  recompress: boolean
  /** False: a chunk that is only unordered is not compressed again (2.29). */
  recompressUnordered?: boolean
  /** Set for a compression of qicore.policies. */
  rowOrder?: RowOrder
  /**
   * Set for a compression of qicore.policies: statements that columnar partitions refuse never reach its partitions.
   */
  allowUpdates?: boolean
  /** Null if the policy records no schedule. */
  schedule: Duration | null
  /** JSON text, as stored in the database. */
  config: string
}

export interface PolicyJob {
  id: number
  owner: string
  /** Jobs run as their owner; if false, every run fails. */
  ownerCanLogin: boolean
  /** Its transactions are read only by default: every run fails. */
  ownerReadsOnly: boolean
  /** If false, the job is paused and never runs. */
  scheduled: boolean
  running: boolean
  nextStart: Instant | null
  lastStartedAt: Instant | null
  /** As TimescaleDB reports it. Not reliable: a run that failed on some chunks is a Success. */
  lastStatus: string | null
}

interface JobRow {
  job_id: number
  kind: PolicyKindName
  hypertable_id: number | null
  after_interval: string | null
  after_integer: string | null
  created_interval: string | null
  start_interval: string | null
  start_integer: string | null
  end_interval: string | null
  end_integer: string | null
  recompress: boolean
  recompress_unordered: boolean
  schedule: string
  scheduled: boolean
  owner: string
  owner_can_login: boolean
  next_start: Instant | null
  last_run_started_at: Instant | null
  last_run_status: string | null
  running: boolean | null
  config: string
}

interface OwnRow {
  object: string
  kind: PolicyKindName
  after: string | null
  start_offset: string | null
  end_offset: string | null
  every: string | null
  segment_by: string[] | null
  order_by: string[] | null
  allow_updates: boolean
  detaches: boolean
  config: string
  set_by: string
  set_at: Instant
}

/**
 * The policies of these tables: jobs of TimescaleDB's scheduler, and rows of qicore.policies.
 * @param of the tables, which may still be being read
 */
export async function readLivePolicies(
  db: Database,
  of: readonly Table[] | Promise<readonly Table[]>,
): Promise<LivePolicy[]> {
  const {policies: file} = engineNamed(db.server.engine).sql
  const [tables, jobs, readOnlyOwners, rows] = await Promise.all([
    of,
    file === null ? [] : db.query<JobRow>(statement(loadSql(file), [policyKindNames, policyProcedures])),
    file === null ? new Set<string>() : readReadOnlyOwners(db),
    db.server.hasQicoreSchema ? readQicoreRows<OwnRow>(db, 'catalog/own-policies') : [],
  ])
  const byId = new Map(tables.map((table) => [table.id, table]))
  const policies: LivePolicy[] = []
  for (const row of jobs) {
    const table = byId.get(row.hypertable_id)
    if (table !== undefined && row.hypertable_id !== null) policies.push(jobPolicy(row, table, readOnlyOwners))
  }
  for (const row of rows) {
    const table = findByName(tables, row.object)
    if (table !== null) policies.push(ownPolicy(row, table))
  }
  return policies
}

function jobPolicy(row: JobRow, table: Table, readOnlyOwners: ReadonlySet<string>): LivePolicy {
  return {
    table,
    kind: row.kind,
    job: {
      id: row.job_id,
      owner: row.owner,
      ownerCanLogin: row.owner_can_login,
      ownerReadsOnly: readOnlyOwners.has(row.owner),
      scheduled: row.scheduled,
      running: row.running ?? false,
      nextStart: row.next_start,
      lastStartedAt: row.last_run_started_at,
      lastStatus: row.last_run_status,
    },
    declared: null,
    after: offset(row.after_interval, row.after_integer),
    createdBefore: span(row.created_interval),
    startOffset: offset(row.start_interval, row.start_integer),
    endOffset: offset(row.end_interval, row.end_integer),
    recompress: row.recompress,
    recompressUnordered: row.recompress_unordered,
    schedule: span(row.schedule),
    config: row.config,
  }
}

function ownPolicy(row: OwnRow, table: Table): LivePolicy {
  return {
    table,
    kind: row.kind,
    job: null,
    declared: {by: row.set_by, at: row.set_at},
    after: written(row.after),
    detaches: row.detaches,
    createdBefore: null,
    startOffset: written(row.start_offset),
    endOffset: written(row.end_offset),
    recompress: true,
    ...(row.kind === 'compression' && {
      rowOrder: {segmentBy: row.segment_by, orderBy: row.order_by},
      allowUpdates: row.allow_updates,
    }),
    schedule: written(row.every),
    config: row.config,
  }
}

function span(text: string | null): Duration | null {
  return text === null ? null : parseIntervalText(text)
}

function offset(interval: string | null, integer: string | null): Offset | null {
  return integer === null ? span(interval) : BigInt(integer)
}

/** A row of qicore.policies may have been edited by hand: text that is not a duration counts as missing. */
function written(text: string | null): Duration | null {
  if (text === null) return null
  try {
    return parseDuration(text)
  } catch {
    return null
  }
}
