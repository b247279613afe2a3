import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Instant} from '../../units/instant.js'

/** The rules that a plan is checked by; a finding is named by its rule and its table. */
export const findingRules = [
  'never-refreshed',
  'refresh-erases',
  'retention-outruns',
  'uncovered',
  'narrow-window',
  'chunk-memory',
  'coarse-chunks',
  'compressed-under-refresh',
  'late-rows',
  'compressed-in-vain',
  'locks',
  'locks-refresh',
  'foreign-keys',
  'foreign-keys-into',
  'ungated',
  'retention-twice',
  'no-clock',
  'uuid-unsupported',
  'created-before-unsupported',
  'key-unsupported',
  'apache-edition',
] as const

export type FindingId = `${(typeof findingRules)[number]}:${string}`

/** One way in which policies do not go together. */
export interface CheckFinding {
  /** What --accept names: the rule and the object, the same each time. */
  id: FindingId
  /** `unsafe`: a plan that makes or touches it is refused. `note`: worth knowing, nothing is lost. */
  level: 'unsafe' | 'note'
  object: string
  message: string
  /** When it effectiveFrom, as far as that can be foretold; in the past or now where it does already. */
  effectiveFrom: Instant | null
  /** A value with which it would not. */
  suggestion: string | null
  /** The policies that it comes from. */
  policies: readonly Concern[]
}

export interface Concern {
  /** Qualified name of the table. */
  key: string
  kind: PolicyKindName | 'chunk interval'
}

export function concern(key: string, kind: Concern['kind']): Concern {
  return {key, kind}
}

/** A policy as reports name it: `public.t retention`. */
export function concernText({key, kind}: Concern): string {
  return `${key} ${kind}`
}
