import type {Plan} from '../../run/step.js'
import {analyzePlan} from './analyze.js'
import {compressWork} from './compress.js'
import type {JobKind} from '../kind.js'

/** The maintenance of the tables: compress what is due, renew statistics; the ledger is its log. */
export const job: JobKind<'maintain'> = {
  kind: 'maintain',
  summary: 'Compresses what is due and renews statistics.',
  async plan(db, options, context) {
    const work = await compressWork(db, options, context)
    const {plan, notes} = await analyzePlan(db, options.tables, context)
    const plans: Plan[] = [...work.plans, plan]
    return {...work, plans, notes: [...work.notes, ...notes]}
  },
}
