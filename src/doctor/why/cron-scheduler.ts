import {deadScheduler} from '../../pg-cron/scheduler.js'
import {advice} from '../shared.js'
import type {Candidate} from './explanation.js'

/** The cause of everything that pg_cron should have started. */
export const schedulerCandidate: Candidate = {
  depth: 'no_runner',
  code: 'scheduler_not_running',
  message: `${deadScheduler.problem}, so none of its entries is started.`,
  fix: advice(deadScheduler.fix),
}
