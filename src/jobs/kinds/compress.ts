import type {Database} from '../../db/database.js'
import {OpsError} from '../../errors.js'
import {planCompress} from '../../chunks/compress.js'
import type {Plan} from '../../run/step.js'
import type {JobContext, JobKind, JobWork} from '../kind.js'
import {policyWork} from './tables.js'

/** Compresses the chunks that are due by live policies which no other scheduler runs. */
export const job: JobKind<'compress'> = {
  kind: 'compress',
  summary: 'Compresses the chunks that are due.',
  async plan(db, options, context) {
    const {work, unfit} = await compressWork(db, options, context)
    return {...work, problems: [...work.problems, ...unfit]}
  },
}

export interface CompressWork {
  work: JobWork
  /** Why named tables have nothing to compress. */
  unfit: OpsError[]
}

export async function compressWork(
  db: Database,
  {tables, atMost}: {tables?: string[] | undefined; atMost?: number | undefined},
  context: JobContext,
): Promise<CompressWork> {
  const {snapshot, subjects, enforced, notes, problems, unfit} = await policyWork(db, 'compression', tables, context)
  const plans: Plan[] = []
  let left = atMost ?? Infinity
  for (const {table, policies} of subjects) {
    try {
      const {plan, notes: planNotes} = await planCompress(db, {
        table,
        clock: snapshot.clocks.get(table)!,
        at: snapshot.at,
        choose: null,
        policies,
        declared: null,
      })
      const steps = plan.steps.slice(0, left)
      left -= steps.length
      plans.push({...plan, steps})
      notes.push(...planNotes)
    } catch (error) {
      // An error in one table must not stop the others.
      if (!(error instanceof OpsError)) throw error
      // The message names the table.
      problems.push(error)
    }
  }
  return {work: {plans, enforced, notes, problems}, unfit}
}
