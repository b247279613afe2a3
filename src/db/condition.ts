import {ExitCode, OpsError, usageError} from '../errors.js'
import {command} from '../units/command.js'

/**
 * States of a database in which queries return wrong counts, or in which jobs cannot run. Detected when a session opens
 * or is probed; other code reads `server.condition`.
 */
export type ConditionCode =
  | 'restoring'
  | 'loader_disabled'
  | 'library_not_loaded'
  | 'compressed_rows_hidden'
  | 'rows_in_root'
  | 'gate_procedure_missing'
  | 'no_worker_slots'
  | 'replica'

export interface Condition {
  code: ConditionCode
  /** The state and its consequence, in one or two sentences. */
  message: string
  /** The command or SQL that ends it. */
  fix: string
  /**
   * What is refused while it lasts. `database`: every change, row count, coverage and refresh. `changes`: every change
   * except its repair. `tables`: the same as `database` for the tables below. `nothing`: it is only reported.
   */
  refuses: 'database' | 'changes' | 'tables' | 'nothing'
  /** Qualified names, quoted for SQL. */
  tables: readonly string[]
}

type WithCondition = {readonly condition: readonly Condition[]}
type WithCitus = {readonly citus: {readonly worker: boolean} | null}

/** The condition that makes every change, row count, coverage and refresh unreliable; null if there is none. */
export function halfState({condition}: WithCondition): Condition | null {
  return condition.find(({refuses}) => refuses === 'database') ?? null
}

/** The command that creates the routines of the schema qicore again, and nothing else. */
export function createGateAgain(): string {
  return command('migrate up', [], {stream: 'core'})
}

/** The missing procedure of a gated retention; null if there is none. Nothing is dropped, and no plan repairs it. */
export function missingGate({condition}: WithCondition): Condition | null {
  return condition.find(({code}) => code === 'gate_procedure_missing') ?? null
}

/** Whether a report in one of the conditions exits 3: its figures would be wrong, or a live policy does nothing. */
export function isFound(server: WithCondition): boolean {
  return server.condition.some(({refuses}) => refuses !== 'nothing')
}

/** Whether this session sees rows of compressed chunks; otherwise counts and newest rows are wrong. */
export function rowsAreVisible(server: WithCondition): boolean {
  return halfState(server) === null
}

/**
 * Refuses a worker node of Citus: its tables are empty shells of shards, the coordinator does not see changes made on
 * it, and the schema qicore would be created a second time.
 * @throws OpsError WORKER_NODE (exit 2)
 */
export function refuseWorker({citus}: WithCitus): void {
  if (citus?.worker)
    throw usageError(
      'WORKER_NODE',
      'This server is a worker of Citus: its tables are shards, and the coordinator does not see changes made here.',
      ['Connect to the coordinator.'],
    )
}

/** What a change touches, for {@link refuseInHalfState}. */
export interface ChangedObjects {
  /** Qualified names of the tables that are changed. */
  tables?: readonly string[]
  /** The condition that the change ends; it is not refused for that one. */
  repairs?: ConditionCode | undefined
}

/**
 * Refuses a change while a condition forbids it.
 * @throws OpsError WORKER_NODE (exit 2); with the condition's code, exit 7
 */
export function refuseInHalfState(
  server: WithCondition & WithCitus,
  {tables = [], repairs}: ChangedObjects = {},
): void {
  refuseWorker(server)
  const refuses: Record<Condition['refuses'], (one: Condition) => boolean> = {
    database: () => true,
    changes: ({code}) => code !== repairs,
    tables: (one) => one.tables.some((table) => tables.includes(table)),
    nothing: () => false,
  }
  const found = server.condition.find((one) => refuses[one.refuses](one))
  if (found !== undefined) throw refusal(found)
}

/**
 * Refuses to read what depends on rows (counts, coverage) while rows of compressed chunks are not visible.
 * @throws OpsError WORKER_NODE (exit 2); with the condition's code, exit 7
 */
export function refuseHiddenRows(server: WithCondition & WithCitus): void {
  refuseWorker(server)
  const found = halfState(server)
  if (found !== null) throw refusal(found)
}

function refusal(found: Condition): OpsError {
  return new OpsError(errorCode(found), `Refused: ${found.message}`, {exit: ExitCode.refused, suggestions: [found.fix]})
}

/** Whether an error was thrown by {@link refuseInHalfState} or {@link refuseHiddenRows}. */
export function isHalfState(error: unknown): error is OpsError {
  return error instanceof OpsError && halfStateErrors.has(error.code)
}

const errorCode = ({code}: Condition) => code.toUpperCase()
const halfStateErrors: ReadonlySet<string> = new Set([
  'RESTORING',
  'LOADER_DISABLED',
  'LIBRARY_NOT_LOADED',
  'ROWS_IN_ROOT',
  'GATE_PROCEDURE_MISSING',
])

/** The results of probing a session from which conditions are derived. */
export interface ConditionFacts {
  database: string
  timescaledb: string | null
  embedded: boolean
  /** timescaledb.license; null if the library is not loaded. */
  license: string | null
  restoring: boolean
  loaderDisabled: boolean
  /** Settings that hide compressed rows from other sessions. */
  hiding: readonly string[]
  /** SQL or advice that ends each of the settings above, by name. */
  resets: Readonly<Record<string, string>>
  inRecovery: boolean
  launcherSeen: boolean
  schedulerHere: boolean
  /** Number of schedulers in all databases of the server. */
  schedulers: number
  maxBackgroundWorkers: number | null
  /** `max_worker_processes` minus the workers of replication and pg_cron. */
  workerProcessesLeft: number
  /** Hypertables and aggregates whose root has pages, and the root; names are quoted for SQL. */
  rowsInRoot: readonly {name: string; root: string}[]
  /** Jobs whose procedure in the qicore schema is missing: `1003 (qicore.retain)`. */
  brokenGates: readonly string[]
}

/** The conditions that follow from the facts; those that refuse every change come first. */
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
  resets,
}: ConditionFacts): Condition[] {
  if (restoring)
    return [
      {
        code: 'restoring',
        message:
          `${database} is in restore mode (timescaledb.restoring is on): rows of compressed chunks are not ` +
          'visible, and a refresh would empty aggregates.',
        fix: `When the restore has ended: ${resets['timescaledb.restoring']}`,
        refuses: 'database',
        tables: [],
      },
    ]
  if (loaderDisabled)
    return [
      {
        code: 'loader_disabled',
        message:
          `TimescaleDB is not loaded in ${database} (timescaledb.disable_load is on): rows of compressed chunks ` +
          'are not visible.',
        fix: resets['timescaledb.disable_load']!,
        refuses: 'database',
        tables: [],
      },
    ]
  if (license === null && !embedded)
    return [
      {
        code: 'library_not_loaded',
        message:
          `The extension timescaledb ${timescaledb} is installed in ${database}, but its library is not loaded: ` +
          'rows of compressed chunks are not visible.',
        fix: 'Add timescaledb to shared_preload_libraries and restart the server',
        refuses: 'database',
        tables: [],
      },
    ]
  return []
}

/** Sessions of qicore-db turn these settings on, so its reports and changes are correct; other sessions do not. */
function hidden({database, hiding, resets}: ConditionFacts): Condition | null {
  if (hiding.length === 0) return null
  const [are, them] = hiding.length === 1 ? ['is', 'it'] : ['are', 'them']
  const effect = "other clients and TimescaleDB's own jobs do not see rows of compressed chunks"
  return {
    code: 'compressed_rows_hidden',
    message:
      `${hiding.join(' and ')} ${are} off in ${database}: ${effect}. ` +
      `qicore-db turns ${them} on for its own sessions.`,
    fix: hiding.map((name) => resets[name]).join('; '),
    refuses: 'nothing',
    tables: [],
  }
}

/** No session sees these rows: some versions exclude the root from every query, even with ONLY. */
function root({rowsInRoot}: ConditionFacts): Condition | null {
  const [first] = rowsInRoot
  if (first === undefined) return null
  const tables = rowsInRoot.map(({name}) => name)
  const have = tables.length === 1 ? 'has' : 'have'
  const move = [
    'set timescaledb.restoring = on',
    `create temporary table moved as select * from only ${first.root}`,
    `delete from only ${first.root}`,
    'set timescaledb.restoring = off',
    `insert into ${first.root} select * from moved`,
    `vacuum ${first.root};`,
  ]
  return {
    code: 'rows_in_root',
    message:
      `${tables.join(', ')} ${have} data in the root table of the hypertable, outside any chunk: ` +
      'policies, coverage and counts ignore it.',
    fix: `Move it, as a superuser in psql: ${move.join('; ')}`,
    refuses: 'tables',
    tables,
  }
}

function gate({brokenGates}: ConditionFacts): Condition | null {
  if (brokenGates.length === 0) return null
  return {
    code: 'gate_procedure_missing',
    message: `Job ${brokenGates.join(', job ')}: the procedure that it calls does not exist, so the job does nothing.`,
    fix: `Create it again: ${createGateAgain()}`,
    refuses: 'changes',
    tables: [],
  }
}

/** The launcher uses one worker, the scheduler of each database another, and a job needs one more. */
function workerSlots(facts: ConditionFacts): Condition | null {
  const {
    embedded,
    inRecovery,
    launcherSeen,
    schedulerHere,
    schedulers,
    maxBackgroundWorkers,
    workerProcessesLeft,
    restoring,
  } = facts
  if (embedded || inRecovery || restoring || !launcherSeen || maxBackgroundWorkers === null) return null
  const limit = Math.min(maxBackgroundWorkers, workerProcessesLeft)
  const needed = 1 + schedulers + (schedulerHere ? 0 : 1) + 1
  if (needed <= limit) return null
  // Two spare: jobs run in parallel, and another database may be added.
  const enough = needed + 2
  const raise = [
    ...(maxBackgroundWorkers < enough ? [`timescaledb.max_background_workers to ${enough} or more`] : []),
    ...(workerProcessesLeft < enough ? [`max_worker_processes by ${enough - workerProcessesLeft} or more`] : []),
  ]
  const setting =
    maxBackgroundWorkers <= workerProcessesLeft
      ? `timescaledb.max_background_workers = ${limit}`
      : `the ${limit} that max_worker_processes leaves to TimescaleDB`
  return {
    code: 'no_worker_slots',
    message:
      `TimescaleDB's jobs cannot run here: 1 launcher + ${schedulers} ` +
      `scheduler${schedulers === 1 ? '' : 's'}${schedulerHere ? '' : ' + 1 for this database'} + 1 job are more ` +
      `than ${setting}.`,
    fix: `Raise ${raise.join(' and ')}, and restart the server`,
    refuses: 'nothing',
    tables: [],
  }
}
