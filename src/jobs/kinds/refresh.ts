import {OpsError} from '../../errors.js'
import {planRefresh} from '../../aggregates/plan-refresh.js'
import type {Plan} from '../../run/step.js'
import type {JobKind} from '../kind.js'
import {policyWork} from './tables.js'

/** Refreshes the aggregates by live policies which no other scheduler runs. */
export const job: JobKind<'refresh'> = {
  kind: 'refresh',
  summary: 'Refreshes the aggregates within their windows.',
  async plan(db, {aggregates}, context) {
    const {snapshot, subjects, enforced, notes, problems, unfit} = await policyWork(db, 'refresh', aggregates, context)
    const plans: Plan[] = []
    for (const {table, policies} of subjects) {
      try {
        const {plan, notes: planNotes} = await planRefresh(db, {
          aggregate: table,
          clock: snapshot.clocks.get(table)!,
          span: null,
          policies,
          acceptLoss: false,
        })
        plans.push(plan)
        notes.push(...planNotes)
      } catch (error) {
        if (!(error instanceof OpsError)) throw error
        // The message names the aggregate.
        problems.push(error)
      }
    }
    return {plans, enforced, notes, problems: [...problems, ...unfit]}
  },
}
