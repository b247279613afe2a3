import type {Statement} from '../db/sql.js'

/** What a change asks of the operator: nothing, a yes, or the name of the target. */
export type ChangeClass = 'safe' | 'undo' | 'loss'

/** The strongest lock a step takes on something that others use, in PostgreSQL's words. */
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
 * One thing to do, as pure data: it can be shown, saved, compared and run. By default it is a transaction of its
 * own, so that locks are short and a run that was killed goes on where it stopped.
 */
export interface Step {
  /** Unique in the plan and the same when planned again: `compress _hyper_2_17_chunk`. */
  id: string
  /** The kind of work, for grouping and totals: `compress`, `migrate`. */
  kind: string
  /** The object it is done to, for people. */
  object: string
  /** What is run, in order, in one transaction. */
  statements: readonly Statement[]
  lock: Lock
  class: ChangeClass
  /**
   * For transaction `none`: sent right behind the last statement without waiting for its answer, so that the server
   * runs
   * it even if this process is killed meanwhile. It runs whatever became of that statement, and its failure is ignored.
   */
  followUp?: Statement
  /** For transaction `none`: run after an attempt that failed, to take back what its first statements left. */
  cleanUp?: Statement
  /** `none` for statements that refuse to be in one; each is then on its own, and a kill may fall between two. */
  transaction: 'own' | 'none'
  /** A question with one row and one boolean column `done`; true makes the step `skipped`. Null: cannot be asked. */
  doneCheck: Statement | null
  /** May be run again after it was lost in the middle, when `doneCheck` cannot tell. */
  repeatable: boolean
  /** Ids of steps without which this one makes no sense; everything else is independent. */
  dependsOn: readonly string[]
  /** Qualified names of what it locks, so that a blocker can be named. */
  relations: readonly string[]
  /** Bytes it works through, for progress; null where unknown. */
  bytes: number | null
  /** schema.name list before pg_catalog, for a user's own SQL; ours is qualified. */
  searchPath?: string
  /** Another database of the same server, in which it is run; the ledger stays where it is. */
  database?: string
  /** Turns a server error into what the operator reads, where the step knows better (a file and a line). */
  source?: StepSource
}

/** Where the statements came from, so that an error can name the line. */
export interface StepSource {
  file: string
  /** The line of each statement's first character, beginning with 1. */
  lines: readonly number[]
}

/** A request worked out against the catalogue: nothing has been done yet. */
export interface Plan {
  /** `migrate up`, `chunks compress public.ohlcv_data`: the ledger's operation. */
  operation: string
  /** One sentence for people. */
  summary: string
  /** The absolute instant that "older than" came to; null where there is none. */
  cutoff: string | null
  /** Qualified names of the tables that no other run may work on meanwhile. */
  tables: readonly string[]
  /** What else no other run may work on: `migrations`, `pg_cron`. */
  locks: readonly string[]
  steps: readonly Step[]
}

export type StepStatus = 'planned' | 'done' | 'skipped' | 'failed'

/** Why a step ended as it did, for programs; its `note` says the same to people. */
export type StepReason =
  /** The catalog showed its effect before the first attempt. */
  | {code: 'already_done'}
  /** Another process did it between two attempts. */
  | {code: 'done_meanwhile'}
  /** An attempt whose connection was lost had committed. */
  | {code: 'done_before_connection_loss'}
  /** A step that this one depends on failed, or was skipped because of one that failed. */
  | {code: 'needs'; step: string}
  | {code: 'cancelled'}
  /** The connection was lost and nothing in the catalog tells whether the step was done. */
  | {code: 'outcome_unknown'}
  /** Another session held the lock until the retry budget was spent. */
  | {code: 'blocked'}
  /** The role may not do it (42501). */
  | {code: 'no_privilege'}

/** How one step ended. */
export interface StepReport {
  id: string
  status: StepStatus
  /** Milliseconds, waiting and retries included; null where it was not run. */
  ms: number | null
  bytes: number | null
  error: string | null
  /** Of a failed step: whether a run later may do it with nothing changed; null: not known. */
  retryable?: boolean | null
  /** The SQLSTATE of the error; null where the server raised none. */
  sqlState: string | null
  /** Null where nothing is to be explained: planned, done in the ordinary way, or failed with `error`. */
  reason: StepReason | null
  /** For people only, no program decides by it: the reason in words, the blockers, the server's warnings. */
  note: string | null
  attempts: number
}

/** How a run ended; the planner's data and the steps' fates. */
export interface RunReport {
  operation: string
  cutoff: string | null
  steps: StepReport[]
  interrupted: boolean
}

/** The heaviest class of its steps: what the whole plan asks of the operator. */
export function classOf(plan: Plan): ChangeClass {
  const classes = new Set(plan.steps.map((step) => step.class))
  if (classes.has('loss')) return 'loss'
  return classes.has('undo') ? 'undo' : 'safe'
}

/** The names under which a run takes its locks; those of tables cannot be a name of `locks`. */
export function lockNames({tables, locks}: Plan): string[] {
  return [...tables.map((table) => `table ${table}`), ...locks]
}
