import type {PolicyKindName, UndoneCode} from '../../engines/policy-kinds.js'
import type {QicoreSchema} from '../../schema/migrate/schema-state.js'
import type {Instant} from '../../units/instant.js'
import type {NeverRunsCode} from './never-runs.js'

export type Runner = 'timescaledb' | 'pg_cron' | 'daemon' | 'none' | 'unknown'

/** Why a chunk or a range is not done; `why` has the same in words. */
export type NotDoneCode =
  | UndoneCode
  /** The newest row of the table is older than the retention: the rows may be the last copy. */
  | 'feed_stopped'
  /** The gate of the retention keeps it: an aggregate has not covered it, or that is not known. */
  | 'held_back'
  /** The gate keeps it because a foreign key references the table. */
  | 'foreign_key'
  /** This role cannot read the reasons of the gate. */
  | 'gate_unreadable'

/** A chunk or a range that is due for a policy and not done. */
export interface NotDone {
  /** `schema.name`; null for a range. */
  chunk: string | null
  /** `<from> to <until>` on the table's scale; null for a chunk. */
  range: string | null
  /** When it fell due; null if that is not recorded. */
  since: Instant | null
  code: NotDoneCode
  why: string
}

/** A rule in words that the configuration accepts. */
export type RuleText = Record<string, string | readonly string[] | boolean | number | null>

/** One policy: declared, live, and how much of its work is done, by the state of the chunks. */
export interface PolicyStatus {
  schema: string
  table: string
  kind: PolicyKindName
  managed: boolean
  runner: Runner
  runnerAlive: boolean | null
  gated: boolean
  declared: RuleText | 'none' | null
  live: RuleText | null
  jobId: number | null
  /** Null if it has no job. */
  paused: boolean | null
  /** Number of chunks or ranges that are due, done or not; null if not known. */
  due: number | null
  /** Null if not known. */
  notDone: NotDone[] | null
  /** False if something is late, missing or paused. Null if not known; `findings` says why. */
  ok: boolean | null
  /** As the job reports it; not reliable. */
  lastStatus: string | null
  lastRunAt: Instant | null
  nextRunAt: Instant | null
  /** Null if there is none, or if this role may not see it (`lastErrorVisible`). */
  lastError: {at: Instant | null; state: string | null; message: string} | null
  lastErrorVisible: boolean
  /** Problems in words, the most important first. */
  findings: string[]
  /** The same findings in the same order, each with a code for programs. */
  problems: PolicyProblem[]
}

/** What a job reports, of a policy for which no job has reported anything. */
export const noReport = {
  lastStatus: null,
  lastRunAt: null,
  nextRunAt: null,
  lastError: null,
  lastErrorVisible: true,
} as const satisfies Partial<PolicyStatus>

/** The same of a policy that is declared and not live. */
export const notLive = {live: null, jobId: null, paused: null, due: null, notDone: null, ...noReport} as const

export type PolicyProblemCode =
  | NeverRunsCode
  | 'missing'
  | 'not_a_hypertable'
  | 'paused'
  | 'not_confirmed'
  | 'job_not_confirmed'
  | 'job_missing'
  | 'gate_procedure_missing'
  | 'owner_cannot_login'
  | 'owner_reads_only'
  | 'wrong_unit'
  | 'policy_twice'
  | 'not_done'
  | 'unknown'
  | 'no_privilege'
  | 'last_error'
  | 'no_runner'
  | 'runner_not_running'
  | 'errors_not_visible'

/** A status before its problems are derived. */
export type JudgedPolicy = Omit<PolicyStatus, 'findings' | 'problems'>

/** What ends a problem: a complete `command` of this program or `sql`; `advice` needs a decision. */
export interface PolicyFix {
  kind: 'command' | 'sql' | 'advice'
  text: string
}

/** One finding about a policy. */
export interface PolicyProblem {
  code: PolicyProblemCode
  /** The cause and the fix in one text. */
  message: string
  cause: string
  /** Null if there is none. */
  fix: PolicyFix | null
}

/** A fix with the words that precede it in a message. */
export interface PolicyAdvice {
  lead: string
  fix: PolicyFix
}

/** Creates a problem: its message is the cause, followed by the advice. */
export function policyProblem(
  code: PolicyProblemCode,
  cause: string,
  advice: PolicyAdvice | null = null,
): PolicyProblem {
  if (advice === null) return {code, message: cause, cause, fix: null}
  return {code, message: `${cause}. ${advice.lead}${advice.fix.text}`, cause, fix: advice.fix}
}

/** `Fix: ` and a command of this program. */
export function fixBy(text: string, kind: PolicyFix['kind'] = 'command', lead = 'Fix: '): PolicyAdvice {
  return {lead, fix: {kind, text}}
}

/** A job of TimescaleDB's scheduler that is not a policy. */
export interface OtherJob {
  id: number
  name: string
  proc: string
  owner: string
  scheduled: boolean
  schedule: string
  nextRunAt: Instant | null
  lastRunAt: Instant | null
  lastStatus: string | null
  /** Its function or procedure no longer exists. */
  procedureGone: boolean
  findings: string[]
}

export interface PolicyStatusReport {
  kind: 'policies.status'
  version: 1
  target: string | null
  at: Instant
  policies: PolicyStatus[]
  other: OtherJob[]
  /** The state of the installed routines compared with those of this program. */
  qicoreSchema: QicoreSchema
  notes: string[]
}

/** The subject of the sentence that names a runner which is not running. */
const runnerSubject: Readonly<Record<Exclude<Runner, 'none'>, string>> = {
  timescaledb: "TimescaleDB's background workers are",
  pg_cron: "pg_cron's scheduler is",
  daemon: 'the daemon is',
  unknown: 'its runner is',
}

/** The problem of a policy whose runner is known and not running. */
export function runnerNotRunning(runner: Exclude<Runner, 'none'>): PolicyProblem {
  return policyProblem('runner_not_running', `not run, because ${runnerSubject[runner]} not running`)
}
