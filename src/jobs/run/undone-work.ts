import type {SkipReason} from '../../schedule/due.js'
import {refusedReason} from './outcome.js'

/** Why a skipped due time left work undone, as a clause, by the reason in the history. */
const clauses: Readonly<Partial<Record<SkipReason | typeof refusedReason, string>>> = {
  missed: 'no daemon was running when it was due, and no later run makes up for it',
  overlap: 'the run before it had not ended',
  window: 'it was due outside of its window',
  replica: 'only a read-only replica could be reached when it was due',
  [refusedReason]: 'a known defect of this version makes it unsafe',
}

/** Null if no work was left undone: another run or runner did it, or it was not wanted. */
export function undoneWork(reason: string): string | null {
  return (clauses as Readonly<Record<string, string | undefined>>)[reason] ?? null
}
