import type {Fix} from '../finding.js'

/** One fact, from the rule to what this program recorded; in the order in which a person would look. */
export interface Evidence {
  topic:
    | 'rule'
    | 'schedule'
    | 'runner'
    | 'work'
    | 'run'
    | 'error'
    | 'lock'
    | 'settings'
    | 'hazard'
    | 'database'
    | 'history'
  /** One sentence. */
  message: string
}

/** What explains the symptom, and the one thing to do. */
export interface Cause {
  code: string
  /** One sentence. */
  message: string
  fix: Fix | null
}

/** What is known of one policy or job, and why it does not do what it should. */
export interface Explanation {
  /** False: late, missing, failed or paused. Null: not known. */
  ok: boolean | null
  evidence: Evidence[]
  /** Null where nothing is wrong. */
  cause: Cause | null
}

/** One job of this program, of TimescaleDB or of pg_cron. */
export interface JobExplanation extends Explanation {
  name: string
  /** What should run it. */
  runner: 'daemon' | 'pg_cron' | 'timescaledb'
}

/**
 * How deep a cause lies, deepest first: what cannot run at all is late and has no runner, but neither is why.
 */
export const depths = [
  /** The database is in a state in which no change may be made. */
  'database',
  /** It cannot run, whatever is done with its job. */
  'cannot_run',
  /** A part of it is missing. */
  'incomplete',
  /** It is kept from running. */
  'held_back',
  /** Nothing runs it. */
  'no_runner',
  /** It ran, or runs. */
  'ran',
  /** It is due and has not run. */
  'not_done',
  'not_known',
  'not_visible',
] as const
export type Depth = (typeof depths)[number]

/** A cause that is possible. */
export interface Candidate extends Cause {
  depth: Depth
}

/** The deepest of the possible causes; of several at one depth the first. Null where there is none. */
export function likeliest(candidates: readonly Candidate[]): Cause | null {
  for (const depth of depths) {
    const found = candidates.find((each) => each.depth === depth)
    if (found !== undefined) return {code: found.code, message: found.message, fix: found.fix}
  }
  return null
}
