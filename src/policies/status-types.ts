import type {PolicyKindName, UndoneCode} from '../engines/policy-kinds.js'
import type {QicoreSchema} from '../schema/migrate/schema-state.js'
import type {Instant} from '../units/instant.js'
import type {NeverRunsCode} from './never-runs.js'

export type Runner = 'timescaledb' | 'pg_cron' | 'daemon' | 'none' | 'unknown'

/** Why a chunk or a range is not done; `why` says the same to people. */
export type NotDoneCode =
  | UndoneCode
  /** The newest row of the table is itself older than the retention: what is left may be the last copy. */
  | 'feed_stopped'
  /** The gate of the retention holds it back: an aggregate has not covered it, or that cannot be known. */
  | 'held_back'
  /** The gate holds it back because of a foreign key that leads to the table. */
  | 'foreign_key'
  /** What the gate says cannot be read from here. */
  | 'gate_unreadable'

/** A chunk or a range that a policy should have dealt with and did not. */
export interface NotDone {
  /** `schema.name`; null where it is a range. */
  chunk: string | null
  /** `from to until` on the table's scale; null where it is a chunk. */
  range: string | null
  /** When it fell due; null where nothing records that. */
  since: Instant | null
  code: NotDoneCode
  why: string
}

/** A policy in words that a configuration takes. */
export type RuleText = Record<string, string | readonly string[] | boolean | number | null>

/** One policy as it is declared, as it stands, and as it was carried out: that by the state of the chunks. */
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
  /** Null where no job stands for it. */
  paused: boolean | null
  /** Chunks or ranges that should have been dealt with by now, done or not; null: not known. */
  due: number | null
  /** Null: not known. */
  notDone: NotDone[] | null
  /** False: something is late, missing or paused. Null: it cannot be known from here; `findings` says why. */
  ok: boolean | null
  /** The job's own word, which is no proof. */
  lastStatus: string | null
  lastRunAt: Instant | null
  nextRunAt: Instant | null
  /** Null: there is none, or this role may not see it (`lastErrorVisible`). */
  lastError: {at: Instant | null; state: string | null; message: string} | null
  lastErrorVisible: boolean
  /** What a person should know or do, most important first. */
  findings: string[]
  /** The same findings in the same order, each with a code for programs. */
  problems: PolicyProblem[]
}

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
  | 'wrong_unit'
  | 'policy_twice'
  | 'not_done'
  | 'unknown'
  | 'no_privilege'
  | 'last_error'
  | 'no_runner'
  | 'runner_not_running'
  | 'errors_not_visible'

/** A status before anything is said of it. */
export type JudgedPolicy = Omit<PolicyStatus, 'findings' | 'problems'>

/** What ends a problem: a `command` of this program or `sql`, complete; `advice` is a decision. */
export interface PolicyFix {
  kind: 'command' | 'sql' | 'advice'
  text: string
}

/** One finding about a policy. */
export interface PolicyProblem {
  code: PolicyProblemCode
  /** The cause and the fix, as people read them. */
  message: string
  cause: string
  /** Null where nothing can be said to do. */
  fix: PolicyFix | null
}

/** What to do, with the words that lead to it in a message. */
export interface PolicyAdvice {
  lead: string
  fix: PolicyFix
}

/** The one maker of problems: the message is the cause and then the advice. */
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

/** A job of the database's scheduler that is no policy. */
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
  /** The catalog has no function or procedure of that name any more. */
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
  /** The routines that carry policies out, beside those of this program. */
  qicoreSchema: QicoreSchema
  notes: string[]
}
