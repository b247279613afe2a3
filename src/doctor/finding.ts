import type {PolicyFix} from '../policies/status/types.js'

export type Severity = 'critical' | 'warning'
export type CheckStatus = Severity | 'unknown' | 'passed'

/** What fixes a finding. */
export type Fix = PolicyFix

/** One thing that is wrong. */
export interface Finding {
  severity: Severity
  /** The table, aggregate or partition set it is about; null if it is about the database or the server. */
  object: {schema: string; table: string} | null
  /** What is wrong and what follows from it, with the figures: one or two sentences, without the fix. */
  message: string
  /** The figures of the message for programs: camelCase, bytes and milliseconds as numbers, times ISO. */
  data: Readonly<Record<string, unknown>>
  fix: Fix
}

/** Thrown by a check that cannot know its result. */
export class NotKnown extends Error {
  /**
   * @param missing what the check could not read, as a sentence
   * @param fix the grant or setting that makes it readable
   */
  constructor(
    readonly missing: string,
    readonly fix: Fix | null = null,
  ) {
    super(missing)
  }
}
