import {graceOf} from '../../catalog/due.js'
import {instantOf, microsOf} from '../../catalog/time.js'
import {nowOf, stateOf} from '../../partitions/retain/detached.js'
import {readRemembered, stagedTablesOf, type Remembered} from '../../partitions/retain/remembered.js'
import {stagesOf, tasksOf, type Stages, type StageTask} from '../../partitions/retain/stages.js'
import type {LivePolicy} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {chunkWork} from './status-work.js'
import type {NotDone, NotDoneCode} from './types.js'
import {readConfig} from '../table-state.js'
import type {PolicyWork, WorkRequest} from './work.js'

/** The partitions that are recorded as detached; null if no retention has stages, or if they cannot be read. */
export type RetentionFacts = readonly Remembered[] | null

export async function readRetentionFacts(db: Database, policies: readonly LivePolicy[]): Promise<RetentionFacts> {
  const staged = policies.some(({config, job}) => job === null && stagesOf(readConfig(config)) !== null)
  return staged ? readRemembered(db, {relations: null, sizes: false}) : null
}

/** The stages of the policy; null if it drops at once. */
export function stagesOfPolicy({job, config}: LivePolicy): Stages | null {
  return job === null ? stagesOf(readConfig(config)) : null
}

const undone: Record<StageTask, {code: NotDoneCode; why: string}> = {
  detach: {code: 'not_detached', why: 'not detached'},
  count: {code: 'held_back', why: 'the aggregates may not have computed all of its rows'},
  move: {code: 'not_moved', why: 'not moved'},
  export: {code: 'not_exported', why: 'not exported'},
  drop: {code: 'not_dropped', why: 'not dropped'},
}

/** The due work of a retention with stages: of partitions that are attached, and of those that are detached. */
export async function stageWork(request: WorkRequest, stages: Stages, facts: RetentionFacts): Promise<PolicyWork> {
  const {policy, snapshot, lateAfter} = request
  const attached = await chunkWork(request)
  const notDone = (attached.notDone ?? []).map((each) =>
    each.code === 'not_dropped' ? {...each, ...undone.detach} : each,
  )
  if (attached.notDone === null || facts === null) return {...attached, due: null, notDone: null, late: null}
  const detached = detachedWork(policy, stages, facts, microsOf(snapshot.at))
  const before = microsOf(snapshot.at) - graceOf(policy, lateAfter)
  const isLate = detached.some(({since}) => since !== null && microsOf(since) < before)
  return {
    ...attached,
    due: (attached.due ?? 0) + detached.length,
    notDone: [...notDone, ...detached],
    late: attached.late === true || isLate ? true : attached.late,
  }
}

/** What is due for the detached tables of a set, and not done. Tables that are kept have no stages. */
function detachedWork({table}: LivePolicy, stages: Stages, facts: readonly Remembered[], now: bigint): NotDone[] {
  return stagedTablesOf({schema: table.schema, table: table.name}, facts).flatMap((each) => {
    // The database does not record the time zone of a set: a key without one is read as UTC, hours do not matter here.
    const local = nowOf(each, null, now)
    return tasksOf(stages, stateOf(each), local)
      .filter(({at}) => at <= local)
      .map(({task, at}) => ({
        chunk: each.table.relation,
        range: null,
        since: instantOf(at),
        ...undone[task],
      }))
  })
}
