import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {loadQicoreSql} from '../../db/load-qicore-sql.js'
import {statement} from '../../db/sql.js'
import type {Plan, Step} from '../../run/step.js'
import {ledgerJobs} from './job-list.js'
import {declareRequest, declareStatement} from './ledger-jobs.js'

/**
 * The plan that pauses or resumes a job from now on, and adds it to the ledger if needed. Empty if the job is already
 * in that state.
 */
export async function planState(
  db: Database,
  job: Job,
  state: 'paused' | 'active',
  actor: string,
  reason: string | null,
): Promise<Plan> {
  const {name} = job
  const verb = state === 'paused' ? 'pause' : 'resume'
  const now = (await ledgerJobs(db)).find((known) => known.name === name)?.versions.at(-1)?.state
  if (state === 'active' ? now !== 'paused' : now === 'paused')
    return {
      operation: `jobs ${verb}`,
      summary: `${verb} ${name}, which is ${state === 'active' ? 'not paused' : 'already paused'}`,
      cutoff: null,
      tables: [],
      locks: [],
      steps: [],
    }
  const step: Step = {
    id: `${verb} ${name}`,
    kind: verb,
    object: `job ${name}`,
    statements: [
      declareStatement(db, declareRequest([job]), actor),
      statement(loadQicoreSql(db.server, 'jobs/set-state'), [name, state, actor, reason]),
    ],
    lock: 'ROW EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck: db.server.hasQicoreSchema ? statement(loadQicoreSql(db.server, 'jobs/is-state'), [name, state]) : null,
    repeatable: true,
    dependsOn: [],
    relations: ['qicore.job'],
    bytes: null,
  }
  return {operation: `jobs ${verb}`, summary: `${verb} ${name}`, cutoff: null, tables: [], locks: [], steps: [step]}
}
