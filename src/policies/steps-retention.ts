import {timescaledbFunction} from '../db/server.js'
import {raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {durationInWords} from '../units/duration.js'
import type {GatedRetention, NativeRetention, Removal} from './change.js'
import {age, ageJson, alterJob, policyStep, type StepContext} from './policy-step.js'

/** A retention, with what it takes the place of, in one transaction: there is never none, and never two. */
export function retentionStep(change: GatedRetention | NativeRetention, context: StepContext): Step {
  const statements = change.do === 'gated retention' ? gated(change, context) : native(change, context)
  return policyStep(`retention of ${change.key}`, change.key, statements, {
    class: context.affectsData ? 'loss' : 'undo',
    lock: 'SHARE ROW EXCLUSIVE',
  })
}

function gated(change: GatedRetention, context: StepContext): Statement[] {
  const {key, after, timeUnit, maxDropPerRun, removes} = change
  const config = JSON.stringify({
    after: durationInWords(after),
    maxDropPerRun,
    ...(timeUnit === null ? {} : {timeUnit}),
  })
  const row = sql`insert into qicore.policies (object, kind, config, set_by)
values (${key}, 'retention', ${config}::jsonb || jsonb_build_object('consent', jsonb_build_object(
  'hash', qicore.retention_hash(${key}, ${config}::jsonb), 'by', session_user, 'at', now(), 'target', ${context.target}::text
)), session_user)
on conflict (object, kind) do update set config = excluded.config, set_by = excluded.set_by, set_at = now()`
  return [
    ...(removes.native
      ? [
          sql`select ${timescaledbFunction(context.server, 'remove_retention_policy')}(${key}::regclass, if_exists => true)`,
        ]
      : []),
    row,
    ...(change.scheduler ? [scheduled(change, context)] : []),
    ...removes.jobs.map((job) => deleteJob(job, context)),
  ]
}

/** The job of TimescaleDB's scheduler that calls the procedure; one for a table. */
function scheduled({key, job}: GatedRetention, {server}: StepContext): Statement {
  const config = sql`(select jsonb_build_object('object', p.object, 'hash', p.config #> '{consent,hash}') from qicore.policies p where p.object = ${key} and p.kind = 'retention')`
  if (job !== null) return alterJob(server, job, config)
  return sql`select ${timescaledbFunction(server, 'add_job')}('qicore.retain'::regproc, interval '1 day', config => ${config})
where not exists (select from timescaledb_information.jobs j where j.proc_schema = 'qicore' and j.proc_name = 'retain' and j.config ->> 'object' = ${key})`
}

function native({key, after, job, removes}: NativeRetention, {server, ...context}: StepContext): Statement[] {
  const {value, type} = age(after)
  const policy =
    job === null
      ? sql`select ${timescaledbFunction(server, 'add_retention_policy')}(${key}::regclass, drop_after => ${value}::${raw(type)})`
      : alterJob(
          server,
          job,
          sql`(j.config - 'drop_created_before') || jsonb_build_object('drop_after', ${ageJson(after)})`,
        )
  return [
    ...(removes.row ? [deleteRow(key, 'retention')] : []),
    ...removes.jobs.map((id) => deleteJob(id, {server, ...context})),
    policy,
  ]
}

/** Takes away policies of one kind. */
export function removalStep({key, kind, native: jobs, jobs: gatedJobs, row}: Removal, context: StepContext): Step {
  const statements = [...jobs, ...gatedJobs].map((job) => deleteJob(job, context))
  return policyStep(`remove ${kind} of ${key}`, key, [...statements, ...(row ? [deleteRow(key, kind)] : [])], {
    lock: 'SHARE ROW EXCLUSIVE',
  })
}

function deleteRow(key: string, kind: string): Statement {
  return sql`delete from qicore.policies where object = ${key} and kind = ${kind}`
}

/** By its number: removing by the table would take every policy of the kind. */
function deleteJob(job: number, {server}: Pick<StepContext, 'server'>): Statement {
  return sql`select ${timescaledbFunction(server, 'delete_job')}(j.job_id) from timescaledb_information.jobs j where j.job_id = ${job}`
}
