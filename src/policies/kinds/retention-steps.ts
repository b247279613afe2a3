import type {Offset} from '../../catalog/live-policies.js'
import type {TimeUnit} from '../../catalog/time.js'
import {timescaledbFunction} from '../../db/server.js'
import {raw, sql, type Statement} from '../../db/sql.js'
import {exportJson, type ExportSettings} from '../../export/settings.js'
import {stagesJson, type Stages} from '../../partitions/retain/stages.js'
import type {Step} from '../../run/step.js'
import {durationInWords, type Duration} from '../../units/duration.js'
import {age, ageJson, alterJob, deleteJob, deleteRow, policyStep, type StepContext} from '../plan/policy-step.js'
import type {ChangeBase} from './kind.js'

export interface GatedRetention extends ChangeBase {
  do: 'gated retention'
  after: Duration
  stages?: Stages | null
  exportTo?: ExportSettings | null
  timeUnit: TimeUnit | null
  maxDropPerRun: number
  /** Whether TimescaleDB's scheduler runs it; otherwise the daemon or pg_cron does. */
  scheduler: boolean
  job: number | null
  /** Duplicate jobs, and TimescaleDB's own policy, which it replaces. */
  removes: {jobs: readonly number[]; native: boolean}
}

export interface NativeRetention extends ChangeBase {
  do: 'native retention'
  after: Offset
  job: number | null
  /** The gated retention that it replaces. */
  removes: {jobs: readonly number[]; row: boolean}
}

/**
 * The step of a change: one transaction, which also removes what it replaces, so there is always exactly one retention.
 */
export function retentionStep(change: GatedRetention | NativeRetention, context: StepContext): Step {
  const statements =
    change.do === 'gated retention' ? gatedStatements(change, context) : nativeStatements(change, context)
  return policyStep(`retention of ${change.key}`, change.key, statements, {
    class: context.affectsData ? 'loss' : 'undo',
    lock: 'SHARE ROW EXCLUSIVE',
  })
}

function gatedStatements(change: GatedRetention, context: StepContext): Statement[] {
  const {key, timeUnit, maxDropPerRun, removes} = change
  const unit = timeUnit === null ? {} : {timeUnit}
  const config = JSON.stringify({...ages(change), maxDropPerRun, ...unit})
  const row = sql`insert into qicore.policies (object, kind, config, set_by)
values (${key}, 'retention', ${config}::jsonb || jsonb_build_object('consent', jsonb_build_object(
  'hash', qicore.retention_hash(${key}, ${config}::jsonb), 'by', session_user, 'at', now(), 'target', ${context.target}::text
)), session_user)
on conflict (object, kind) do update set config = excluded.config, set_by = excluded.set_by, set_at = now()`
  const removeNative = sql`select ${timescaledbFunction(context.server, 'remove_retention_policy')}(${key}::regclass, if_exists => true)`
  return [
    ...(removes.native ? [removeNative] : []),
    row,
    ...(change.scheduler ? [scheduled(change, context)] : []),
    ...removes.jobs.map((job) => deleteJob(job, context)),
  ]
}

/** Without `after` a routine of an older program drops nothing: it would neither detach nor export first. */
function ages({after, stages = null, exportTo = null}: GatedRetention): Record<string, unknown> {
  if (stages !== null) return stagesJson(stages)
  const age = durationInWords(after)
  return exportTo === null ? {after: age} : {drop: age, export: exportJson(exportTo)}
}

/** The job of TimescaleDB's scheduler that calls qicore.retain; one a table. */
function scheduled({key, job}: GatedRetention, {server}: StepContext): Statement {
  const config = sql`(select jsonb_build_object('object', p.object, 'hash', p.config #> '{consent,hash}') from qicore.policies p where p.object = ${key} and p.kind = 'retention')`
  if (job !== null) return alterJob(server, job, config)
  return sql`select ${timescaledbFunction(server, 'add_job')}('qicore.retain'::regproc, interval '1 day', config => ${config})
where not exists (select from timescaledb_information.jobs j where j.proc_schema = 'qicore' and j.proc_name = 'retain' and j.config ->> 'object' = ${key})`
}

function nativeStatements({key, after, job, removes}: NativeRetention, context: StepContext): Statement[] {
  const {value, type} = age(after)
  const config = sql`(j.config - 'drop_created_before') || jsonb_build_object('drop_after', ${ageJson(after)})`
  const policy =
    job === null
      ? sql`select ${timescaledbFunction(context.server, 'add_retention_policy')}(${key}::regclass, drop_after => ${value}::${raw(type)})`
      : alterJob(context.server, job, config)
  return [
    ...(removes.row ? [deleteRow(key, 'retention')] : []),
    ...removes.jobs.map((id) => deleteJob(id, context)),
    policy,
  ]
}
