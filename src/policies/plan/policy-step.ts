import {timescaledbFunction, type Server} from '../../db/server.js'
import {sql, type Statement} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import type {Offset} from '../../catalog/live-policies.js'
import type {TableState} from '../table-state.js'
import type {Table} from '../../catalog/table.js'
import {toInterval, type Duration} from '../../units/duration.js'

/** What the steps of a change need besides the change. */
export interface StepContext {
  server: Server
  table: Table
  state: TableState
  /** Stored in the consent of a gated retention. */
  target: string
  /** Whether a retention drops rows now or at its next run. */
  affectsData: boolean
}

/**
 * A step that changes a policy. It writes a catalog row, but its class is `undo`: the work of the policy is hard to
 * undo.
 */
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

/** An age as an argument of TimescaleDB's functions: an interval, or an integer. */
export function age(offset: Offset): {value: string; type: 'interval' | 'bigint'} {
  return typeof offset === 'bigint'
    ? {value: String(offset), type: 'bigint'}
    : {value: toInterval(offset), type: 'interval'}
}

/** An age in the config of a job. */
export function ageJson(offset: Offset): Statement {
  const {value, type} = age(offset)
  return type === 'bigint' ? sql`to_jsonb(${value}::bigint)` : sql`to_jsonb(${value}::interval)`
}

/**
 * Alters a job in place: it keeps its id, owner, history, other fields of its config and, unless given, its schedule.
 */
export function alterJob(server: Server, job: number, config: Statement, schedule?: Duration): Statement {
  const every = schedule === undefined ? sql`` : sql`, schedule_interval => ${toInterval(schedule)}::interval`
  return sql`select ${timescaledbFunction(server, 'alter_job')}(j.job_id, scheduled => true${every}, config => ${config})
from timescaledb_information.jobs j where j.job_id = ${job}`
}

/** Deletes a row of qicore.policies. */
export function deleteRow(key: string, kind: string): Statement {
  return sql`delete from qicore.policies where object = ${key} and kind = ${kind}`
}

/** Deletes a job by its id: removing by table would remove every policy of the kind. */
export function deleteJob(job: number, {server}: Pick<StepContext, 'server'>): Statement {
  return sql`select ${timescaledbFunction(server, 'delete_job')}(j.job_id) from timescaledb_information.jobs j where j.job_id = ${job}`
}
