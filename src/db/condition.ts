import {ExitCode, OpsError} from '../errors.js'
import {command} from '../units/command.js'

/**
 * States of a database in which clients count wrongly, or in which what should run cannot. Found when a session opens
 * and when it is probed; everything else asks `server.condition`.
 */
export type ConditionCode =
  | 'restoring'
  | 'loader_disabled'
  | 'library_not_loaded'
  | 'compressed_rows_hidden'
  | 'rows_in_root'
  | 'gate_procedure_missing'
  | 'no_worker_slots'
  | 'distributed_by_citus'

export interface Condition {
  code: ConditionCode
  /** What it is and what follows from it, in one or two sentences. */
  message: string
  /** What ends it: a command or SQL. */
  fix: string
  /**
   * What is refused while it lasts: `database` every change, row count, coverage and refresh; `tables` those of the
   * tables below; `nothing`: it is reported only.
   */
  refuses: 'database' | 'tables' | 'nothing'
  /** Qualified names, as SQL reads them. */
  tables: readonly string[]
}

type WithCondition = {readonly condition: readonly Condition[]}

/** The condition under which no change, row count, coverage or refresh may be trusted, or null. */
export function halfState({condition}: WithCondition): Condition | null {
  return condition.find(({refuses}) => refuses === 'database') ?? null
}

/** Whether rows of compressed chunks are seen by this session: without them counts and ends of tables are false. */
export function rowsAreVisible(server: WithCondition): boolean {
  return halfState(server) === null
}

/**
 * @param tables qualified names of the tables that a change works on
 * @throws OpsError with the condition's code, exit 7, where a change must not be made
 */
export function refuseInHalfState({condition}: WithCondition, tables: readonly string[] = []): void {
  const found = condition.find(
    (one) =>
      one.refuses === 'database' || (one.refuses === 'tables' && one.tables.some((table) => tables.includes(table))),
  )
  if (found === undefined) return
  throw new OpsError(errorCode(found), `Refused: ${found.message}`, {exit: ExitCode.refused, suggestions: [found.fix]})
}

/** True for the errors of {@link refuseInHalfState}. */
export function isHalfState(error: unknown): error is OpsError {
  return error instanceof OpsError && halfStateErrors.has(error.code)
}

const errorCode = ({code}: Condition) => code.toUpperCase()
const halfStateErrors: ReadonlySet<string> = new Set([
  'RESTORING',
  'LOADER_DISABLED',
  'LIBRARY_NOT_LOADED',
  'ROWS_IN_ROOT',
])

/** What the probes of a session found, as far as a condition follows from it. */
export interface ConditionFacts {
  database: string
  timescaledb: string | null
  embedded: boolean
  /** Of the library; null where it is not loaded. */
  license: string | null
  restoring: boolean
  loaderDisabled: boolean
  /** Settings by which compressed rows are hidden from other sessions. */
  hiding: readonly string[]
  inRecovery: boolean
  launcherSeen: boolean
  schedulerHere: boolean
  /** Schedulers in all databases of the server. */
  schedulers: number
  maxBackgroundWorkers: number | null
  /** What `max_worker_processes` leaves to TimescaleDB: without the workers of replication and pg_cron. */
  maxWorkerProcesses: number
  /** Hypertables and aggregates whose root has pages, and the root, as SQL reads them. */
  rowsInRoot: readonly {name: string; root: string}[]
  /** Jobs whose procedure in the schema qicore is gone: `1003 (qicore.retain)`. */
  brokenGates: readonly string[]
}

/** @returns the half-states first, each with what ends it */
export function conditionsOf(facts: ConditionFacts): Condition[] {
  const found = [...libraryConditions(facts), hidden(facts), root(facts), gate(facts), workerSlots(facts)]
  return found.filter((one) => one !== null)
}

function libraryConditions({
  database,
  timescaledb,
  embedded,
  license,
  restoring,
  loaderDisabled,
}: ConditionFacts): Condition[] {
  const name = `"${database.replaceAll('"', '""')}"`
  if (restoring)
    return [
      {
        code: 'restoring',
        message: `${database} is in restore mode (timescaledb.restoring is on): rows of compressed chunks are not seen, and a refresh would empty aggregates.`,
        fix: `When the restore has ended: select timescaledb_post_restore(); or alter database ${name} reset timescaledb.restoring`,
        refuses: 'database',
        tables: [],
      },
    ]
  if (loaderDisabled)
    return [
      {
        code: 'loader_disabled',
        message: `TimescaleDB is not loaded in ${database} (timescaledb.disable_load is on): rows of compressed chunks are not seen.`,
        fix: `alter database ${name} reset timescaledb.disable_load`,
        refuses: 'database',
        tables: [],
      },
    ]
  if (license === null && !embedded)
    return [
      {
        code: 'library_not_loaded',
        message: `The extension timescaledb ${timescaledb} is installed in ${database}, but its library is not loaded: rows of compressed chunks are not seen.`,
        fix: 'Add timescaledb to shared_preload_libraries and restart the server',
        refuses: 'database',
        tables: [],
      },
    ]
  return []
}

/** Our own sessions set these settings on, so that what qicore-db says and does is right. Others' do not. */
function hidden({database, hiding}: ConditionFacts): Condition | null {
  if (hiding.length === 0) return null
  return {
    code: 'compressed_rows_hidden',
    message: `${hiding.join(' and ')} ${hiding.length === 1 ? 'is' : 'are'} off in ${database}: other clients and TimescaleDB's own jobs do not see rows of compressed chunks. This program sets ${hiding.length === 1 ? 'it' : 'them'} on for its own sessions.`,
    fix: hiding.map((name) => `alter database "${database.replaceAll('"', '""')}" reset ${name}`).join('; '),
    refuses: 'nothing',
    tables: [],
  }
}

/** No session sees these rows: some versions leave the root out of every query, so that not even ONLY shows them. */
function root({rowsInRoot}: ConditionFacts): Condition | null {
  const [first] = rowsInRoot
  if (first === undefined) return null
  const tables = rowsInRoot.map(({name}) => name)
  return {
    code: 'rows_in_root',
    message: `${tables.join(', ')} ${tables.length === 1 ? 'has' : 'have'} data in the root of the hypertable, in no chunk: policies, coverage and counts leave it out.`,
    fix: `Move it, as a superuser in psql: set timescaledb.restoring = on; create temporary table moved as select * from only ${first.root}; delete from only ${first.root}; set timescaledb.restoring = off; insert into ${first.root} select * from moved; vacuum ${first.root};`,
    refuses: 'tables',
    tables,
  }
}

function gate({brokenGates}: ConditionFacts): Condition | null {
  if (brokenGates.length === 0) return null
  return {
    code: 'gate_procedure_missing',
    message: `Job ${brokenGates.join(', job ')}: the procedure that it calls is gone, so it does nothing.`,
    fix: `Make it again: ${command('migrate up')}`,
    refuses: 'nothing',
    tables: [],
  }
}

/**
 * @param tables how many Citus distributes; their sizes and rows are null in every report, never those of the empty
 * tables here
 */
export function distributedCondition(tables: number): Condition {
  return {
    code: 'distributed_by_citus',
    message: `${tables} ${tables === 1 ? 'table is' : 'tables are'} distributed by Citus: their rows and sizes are on its workers and are not known here.`,
    fix: 'Their sizes: select citus_total_relation_size(logicalrelid) from pg_dist_partition',
    refuses: 'nothing',
    tables: [],
  }
}

/** The launcher holds one worker and each database's scheduler another; a job needs one more. */
function workerSlots(facts: ConditionFacts): Condition | null {
  const {
    embedded,
    inRecovery,
    launcherSeen,
    schedulerHere,
    schedulers,
    maxBackgroundWorkers,
    maxWorkerProcesses,
    restoring,
  } = facts
  if (embedded || inRecovery || restoring || !launcherSeen || maxBackgroundWorkers === null) return null
  const limit = Math.min(maxBackgroundWorkers, maxWorkerProcesses)
  const needed = 1 + schedulers + (schedulerHere ? 0 : 1) + 1
  if (needed <= limit) return null
  // Two more: jobs run side by side, and another database may come.
  const enough = needed + 2
  const raise = [
    ...(maxBackgroundWorkers < enough ? [`timescaledb.max_background_workers to ${enough} or more`] : []),
    ...(maxWorkerProcesses < enough ? [`max_worker_processes by ${enough - maxWorkerProcesses} or more`] : []),
  ]
  const setting =
    maxBackgroundWorkers <= maxWorkerProcesses
      ? `timescaledb.max_background_workers = ${limit}`
      : `the ${limit} that max_worker_processes leaves to TimescaleDB`
  return {
    code: 'no_worker_slots',
    message: `TimescaleDB's jobs cannot run here: 1 launcher + ${schedulers} scheduler${schedulers === 1 ? '' : 's'}${schedulerHere ? '' : ' + 1 for this database'} + 1 job are more than ${setting}.`,
    fix: `Raise ${raise.join(' and ')}, and restart the server`,
    refuses: 'nothing',
    tables: [],
  }
}
