import type {Database} from '../db/database.js'
import type {ConditionCode} from '../db/condition.js'
import type {Statement} from '../db/sql.js'

/** The confirmation that a change requires: none, a yes, or the name of the target. */
export type ChangeClass = 'safe' | 'undo' | 'loss'

/** The strongest lock that a step takes on a relation that other sessions use, by PostgreSQL's name. */
export type Lock =
  | 'NONE'
  | 'ACCESS SHARE'
  | 'ROW EXCLUSIVE'
  | 'SHARE UPDATE EXCLUSIVE'
  | 'SHARE'
  | 'SHARE ROW EXCLUSIVE'
  | 'EXCLUSIVE'
  | 'ACCESS EXCLUSIVE'

/**
 * One step of a plan, as plain data: it can be printed, stored, compared and run. By default it is one transaction, so
 * that locks are short and a killed run can be continued.
 */
export interface Step {
  /** Unique in the plan, and the same when the plan is computed again: `compress _hyper_2_17_chunk`. */
  id: string
  /** The kind of work, for grouping and totals: `compress`, `migrate`. */
  kind: string
  /** The object that it changes, for people. */
  object: string
  /** Must be done before a run can be locked and recorded, so it runs first and without either. */
  precedesRecord?: true
  /** Its errors are raised by a qicore routine and begin with the object, so it is not repeated before them. */
  errorsNameObject?: true
  /** Done before the transaction of the statements, which it may extend; only with transaction `own`. */
  work?: StepWork
  /** Run in this order, in one transaction. */
  statements: readonly Statement[]
  lock: Lock
  /** Waits for its lock no longer than a step that takes ACCESS EXCLUSIVE, because writers queue behind it. */
  waitsBriefly?: true
  class: ChangeClass
  /**
   * For transaction `none`: pipelined behind the last statement, so that the server runs it even if this process is
   * killed in between. It runs whether or not that statement succeeded, and its own failure is ignored.
   */
  followUp?: Statement
  /** For transaction `none`: run after a failed attempt, to undo the effect of its first statements. */
  cleanUp?: Statement
  /** `none` for statements that cannot run in a transaction block: each commits alone, and a kill can separate them. */
  transaction: 'own' | 'none'
  /** A query with one row and one boolean column `done`: if true, the step is skipped. Null if there is no check. */
  doneCheck: Statement | null
  /** Whether it may run again after the connection was lost, if there is no `doneCheck`. */
  repeatable: boolean
  /** Ids of the steps that must succeed first. */
  dependsOn: readonly string[]
  /**
   * Ids of the steps that must have ended first, whatever their result: with several workers they would run together.
   */
  after?: readonly string[]
  /** Qualified names of the relations it locks, used to find blocking sessions. */
  relations: readonly string[]
  /** Bytes it processes, for progress; null if unknown. */
  bytes: number | null
  /** The search_path for SQL written by the user; SQL of qicore-db is qualified. */
  searchPath?: string
  /** `filter` for statements on tables in which a role is meant to see its own rows only, such as those of pg_cron. */
  rowSecurity?: 'filter'
  /** Another database of the same server to run it in; it is recorded in the ledger of the target database. */
  database?: string
  /** Where the statements come from, if that is a file: errors then name the file and line. */
  source?: StepSource
}

/** Work of this process that is not SQL: an export to files. It can be repeated. */
export interface StepWork {
  /** What it does, for the script of a dry run, in which it is a comment. */
  words: string
  /**
   * @param db the session of the worker, outside of a transaction
   * @throws OpsError if the step must not be done
   */
  run(db: Database, context: WorkContext): Promise<WorkResult>
}

export interface WorkContext {
  /** Milliseconds. */
  lockTimeout: number
  cancel?: AbortSignal | undefined
  /** Shows how far it is: `20000 rows written`. */
  onAdvance(words: string): void
}

export interface WorkResult {
  /** Sent first in the step's transaction: checks whose values the work has found out. */
  statements: readonly Statement[]
  /** Bytes that it wrote; null if that says nothing. */
  bytes: number | null
  /** For people; null if there is nothing to explain. */
  note: string | null
}

/** The file of a step's statements. */
export interface StepSource {
  file: string
  /** The line of each statement's first character, counted from 1. */
  lines: readonly number[]
}

/** The steps that fulfil a request, computed from the catalog. Nothing has been changed yet. */
export interface Plan {
  /** `migrate up`, `chunks compress public.ohlcv_data`: the ledger's operation. */
  operation: string
  /** One sentence for people. */
  summary: string
  /** The timestamp that "older than" resolved to; null if the request has none. */
  cutoff: string | null
  /** Qualified names of the tables to lock against other runs. */
  tables: readonly string[]
  /** Further names to lock against other runs: `migrations`, `pg_cron`. */
  locks: readonly string[]
  /** The condition of the database that its steps end; others that forbid changes refuse it. */
  repairs?: ConditionCode
  steps: readonly Step[]
}

export type StepStatus = 'planned' | 'done' | 'skipped' | 'failed'

/** Why a step ended as it did, for programs; `note` is the same for people. */
export type StepReason =
  /** The catalog showed its effect before the first attempt. */
  | {code: 'already_done'}
  /** Another process did it between two attempts of this one. */
  | {code: 'done_meanwhile'}
  /** An earlier attempt, whose connection was lost, had committed. */
  | {code: 'done_before_connection_loss'}
  /** A step that this one depends on failed, or was skipped after a failure. */
  | {code: 'needs'; step: string}
  /** A known defect of the server makes it unsafe, and it was not accepted. */
  | {code: 'refused'; hazard: string}
  | {code: 'cancelled'}
  /** The connection was lost, and the catalog cannot show whether the step was done. */
  | {code: 'outcome_unknown'}
  /** Another session held the lock until the retry budget was used up. */
  | {code: 'blocked'}
  /** A node of Citus or the server of a foreign table was unreachable until the retry budget was used up. */
  | {code: 'node_unreachable'}
  /** The role lacks a privilege (SQLSTATE 42501). */
  | {code: 'no_privilege'; grant?: string}
  /** Row level security would hide rows from the statement. */
  | {code: 'row_security'}

/** How one step ended. */
export interface StepReport {
  id: string
  status: StepStatus
  /** Milliseconds, including waits and retries; null if it was not run. */
  ms: number | null
  bytes: number | null
  error: string | null
  /** For a failed step: whether the same run may succeed later; null if unknown. */
  retryable?: boolean | null
  /** The SQLSTATE of the error; null if the server raised none. */
  sqlState: string | null
  /** Null if there is nothing to explain: planned, done normally, or failed with `error`. */
  reason: StepReason | null
  /** For people only, never for decisions: the reason in words, the blocking sessions, the server's warnings. */
  note: string | null
  attempts: number
}

/** How a run ended: the plan's operation and cut-off, and a report for each step. */
export interface RunReport {
  operation: string
  cutoff: string | null
  steps: StepReport[]
  interrupted: boolean
}

/** The highest class of its steps: the confirmation that the whole plan requires. */
export function classOf(plan: Plan): ChangeClass {
  const classes = new Set(plan.steps.map((step) => step.class))
  if (classes.has('loss')) return 'loss'
  return classes.has('undo') ? 'undo' : 'safe'
}

/** The names of a run's locks. The prefix keeps names of tables apart from those in `locks`. */
export function lockNames({tables, locks}: Plan): string[] {
  return [...tables.map((table) => `table ${table}`), ...locks]
}
