import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {isConnectionLost, toOpsError} from '../db/sqlstate.js'
import {statement} from '../db/sql.js'
import {readManaged} from '../config/managed.js'
import type {DoctorRequest} from '../doctor/context.js'
import {examine, selectChecks} from '../doctor/examine.js'
import {OpsError} from '../errors.js'
import type {PolicySections} from '../policies/declared/declared.js'
import {readDeclared, timeUnitsOf} from '../policies/declared/read-declared.js'
import {readPolicyStatus} from '../policies/status/status.js'
import {readChunkStats} from '../reports/chunks.js'
import {readCompression} from '../reports/compression.js'
import type {Disk} from '../reports/disk-forecast.js'
import {readGrowth} from '../reports/growth.js'
import {readRuns, type ChangesReport} from '../reports/history.js'
import {readQueries} from '../reports/queries.js'
import {readStats} from '../reports/stats.js'
import {programVersion} from '../schema/migrate/program.js'
import type {Instant} from '../units/instant.js'
import type {Part, ReportDocument} from './document.js'
import {readJobCalendar} from './job-calendar.js'

export interface DocumentRequest {
  /** The configuration's `tables` and `aggregates`; null without a configuration. */
  sections: PolicySections | null
  partitions: NonNullable<DoctorRequest['partitions']>
  jobs: readonly Job[]
  /** Milliseconds that due work may wait beyond one interval of its schedule. */
  lateAfter: number
  /** Estimated sizes, see `--fast`. */
  fast: boolean
  /** The disk whose last day is wanted. */
  disk: Disk | null
}

const mostQueries = 15
const mostChanges = 30

/**
 * Reads every report one after the other, so that a report is no more load than one command. A part that fails is
 * replaced by its error, and the others are still read. Changes nothing and never waits for a lock.
 * @throws OpsError when the connection is lost
 */
export async function readDocument(db: Database, request: DocumentRequest): Promise<ReportDocument> {
  const {sections, lateAfter, fast} = request
  const [row] = await db.query<{now: Instant}>(statement('select clock_timestamp() as now'))
  const at = row!.now
  const declared = await readDeclared(db, sections)
  const managed = await readManaged(db, sections)
  const timeUnits = timeUnitsOf(declared)
  const tables = {lateAfter, timeUnits, fast}
  return {
    kind: 'report',
    version: 1,
    target: null,
    at,
    program: programVersion,
    stats: await part('read the statistics', () => readStats(db, {...tables, managed})),
    compression: await part('read the compression', () => readCompression(db, tables)),
    chunks: await part('read the chunks', () => readChunkStats(db, {...tables, late: false})),
    policies: await part('read the policies', () => readPolicyStatus(db, {declared, lateAfter})),
    doctor: await part('run the checks', () =>
      examine(db, {declared, lateAfter, timeUnits, partitions: request.partitions}, selectChecks({only: [], skip: []})),
    ),
    growth: await part('read the growth', () => readGrowth(db, {...tables, at, disk: request.disk})),
    jobs: await part('read the jobs', () => readJobCalendar(db, request.jobs, at)),
    history: await part('read the history', () => readChanges(db, at)),
    queries: await part('read the queries', () => readQueries(db, {limit: mostQueries})),
  }
}

async function readChanges(db: Database, at: Instant): Promise<ChangesReport> {
  return {kind: 'history', version: 1, at, ...(await readRuns(db, {table: null, since: null, limit: mostChanges}))}
}

/** @param doing the operation, as a clause, for the message of an error */
async function part<Report>(doing: string, read: () => Promise<Report>): Promise<Part<Report>> {
  try {
    return {report: await read(), error: null}
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return {report: null, error: (error instanceof OpsError ? error : toOpsError(error, doing)).toJSON()}
  }
}
