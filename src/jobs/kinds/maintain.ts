import type {Plan} from '../../run/step.js'
import {analyzePlan} from './analyze.js'
import {compressWork} from './compress.js'
import type {JobKind} from '../kind.js'

/** Compresses the chunks that are due and updates the planner's statistics. */
export const job: JobKind<'maintain'> = {
  kind: 'maintain',
  summary: "Compresses the chunks that are due and updates the planner's statistics.",
  async plan(db, options, context) {
    // Any table can be analyzed, so one without a compression is in order; missing ones are problems of the analysis.
    const {work} = await compressWork(db, options, context)
    const {plan, notes, problems} = await analyzePlan(db, options.tables, context)
    const plans: Plan[] = [...work.plans, plan]
    return {...work, plans, notes: [...work.notes, ...notes], problems: [...work.problems, ...problems]}
  },
}
