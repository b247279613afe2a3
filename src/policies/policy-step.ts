import {timescaledbFunction, type Server} from '../db/server.js'
import {sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {Offset} from '../catalog/live-policies.js'
import type {TableState} from './table-state.js'
import type {Table} from '../catalog/table.js'
import {toInterval, type Duration} from '../units/duration.js'

/** What a step is made from beside its change. */
export interface StepContext {
  server: Server
  table: Table
  state: TableState
  /** Named in the consent that is stored with a gated retention. */
  target: string
  /** Whether a retention reaches rows now or at its next run. */
  affectsData: boolean
}

/** A step of a policy: a row of a catalogue, hard to undo because what runs by it is. */
export function policyStep(id: string, key: string, statements: readonly Statement[], more: Partial<Step> = {}): Step {
  return {
    id,
    kind: 'policy',
    object: key,
    statements,
    lock: 'ROW EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: null,
    repeatable: true,
    dependsOn: [],
    relations: [],
    bytes: null,
    ...more,
  }
}

/** An age as TimescaleDB takes it: an interval, or an integer. */
export function age(offset: Offset): {value: string; type: 'interval' | 'bigint'} {
  return typeof offset === 'bigint'
    ? {value: String(offset), type: 'bigint'}
    : {value: toInterval(offset), type: 'interval'}
}

/** The same in a job's config. */
export function ageJson(offset: Offset): Statement {
  const {value, type} = age(offset)
  return type === 'bigint' ? sql`to_jsonb(${value}::bigint)` : sql`to_jsonb(${value}::interval)`
}

/** In place: the job keeps its number, owner, schedule and history. What its config holds beside is kept too. */
export function alterJob(server: Server, job: number, config: Statement, schedule?: Duration): Statement {
  const every = schedule === undefined ? sql`` : sql`, schedule_interval => ${toInterval(schedule)}::interval`
  return sql`select ${timescaledbFunction(server, 'alter_job')}(j.job_id, scheduled => true${every}, config => ${config})
from timescaledb_information.jobs j where j.job_id = ${job}`
}

/** Takes the declaration of a policy of ours away. */
export function deleteRow(key: string, kind: string): Statement {
  return sql`delete from qicore.policies where object = ${key} and kind = ${kind}`
}

/** By its number: removing by the table would take every policy of the kind. */
export function deleteJob(job: number, {server}: Pick<StepContext, 'server'>): Statement {
  return sql`select ${timescaledbFunction(server, 'delete_job')}(j.job_id) from timescaledb_information.jobs j where j.job_id = ${job}`
}
