import type {PolicyFix} from '../policies/status/types.js'

export type Severity = 'critical' | 'warning'
export type CheckStatus = Severity | 'unknown' | 'passed'

/** What ends a finding: of policies and of everything else the same. */
export type Fix = PolicyFix

/** One thing that is wrong. */
export interface Finding {
  severity: Severity
  /** The table, aggregate or partition set it is about; null where it is about the database or the server. */
  object: {schema: string; table: string} | null
  /** What is wrong and what follows from it, with the figures: one or two sentences, without the fix. */
  message: string
  /** The figures of the message for programs: camelCase, bytes and milliseconds as numbers, times ISO. */
  data: Readonly<Record<string, unknown>>
  fix: Fix
}

/** Thrown by a check that cannot know: the report says what is missing and what to ask for. */
export class NotKnown extends Error {
  /**
   * @param missing what is missing to know, as a sentence
   * @param fix the grant or setting with which the check can answer
   */
  constructor(
    readonly missing: string,
    readonly fix: Fix | null = null,
  ) {
    super(missing)
  }
}
