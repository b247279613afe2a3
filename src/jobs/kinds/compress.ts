import type {Database} from '../../db/database.js'
import {can} from '../../engines/index.js'
import {OpsError} from '../../errors.js'
import {planCompress} from '../../chunks/compress.js'
import type {Plan} from '../../run/step.js'
import type {JobContext, JobKind, JobWork} from '../kind.js'
import {policyWork} from './tables.js'

/** Compresses the chunks that are due by live policies which no other scheduler runs. */
export const job: JobKind<'compress'> = {
  kind: 'compress',
  summary: 'Compresses the chunks that are due.',
  plan: (db, options, context) => compressWork(db, options, context),
}

export async function compressWork(
  db: Database,
  {tables, atMost}: {tables?: string[] | undefined; atMost?: number | undefined},
  context: JobContext,
): Promise<JobWork> {
  const able = can(db.server.engine, 'compression') || can(db.server.engine, 'columnar')
  if (!able) return {plans: [], enforced: [], notes: [], problems: []}
  const {snapshot, subjects, enforced, notes, problems} = await policyWork(db, 'compression', tables, context)
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
      problems.push(error.message)
    }
  }
  return {plans, enforced, notes, problems}
}
