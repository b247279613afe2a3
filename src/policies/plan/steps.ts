import {timescaledbFunction} from '../../db/server.js'
import {sql} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import type {Change, ChunkInterval, Removal} from './change.js'
import {kindOfChange} from '../kinds/index.js'
import {deleteJob, deleteRow, policyStep, type StepContext} from './policy-step.js'

/** The steps of one change, one transaction each. */
export function stepsOf(change: Change, context: StepContext): Step[] {
  if (change.do === 'chunk interval') return [chunkIntervalStep(change, context)]
  if (change.do === 'remove') return [removalStep(change, context)]
  return kindOfChange(change)!.steps(change, context)
}

function chunkIntervalStep({key, to}: ChunkInterval, {server, state}: StepContext): Step {
  const length = state.scale === 'time' ? sql`${`${to} microseconds`}::interval` : sql`${String(to)}::bigint`
  const statement = sql`select ${timescaledbFunction(server, 'set_chunk_time_interval')}(${key}::regclass, ${length})`
  return policyStep(`chunk interval of ${key}`, key, [statement], {kind: 'settings', lock: 'ROW EXCLUSIVE'})
}

/** Removes the policies of one kind. */
function removalStep({key, kind, native: jobs, jobs: gatedJobs, row}: Removal, context: StepContext): Step {
  const statements = [...jobs, ...gatedJobs].map((job) => deleteJob(job, context))
  return policyStep(`remove ${kind} of ${key}`, key, [...statements, ...(row ? [deleteRow(key, kind)] : [])], {
    lock: 'SHARE ROW EXCLUSIVE',
  })
}
