import {timescaledbFunction} from '../db/server.js'
import {raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {durationInWords, toInterval, type Duration} from '../units/duration.js'
import type {Refresh} from './change.js'
import {age, ageJson, alterJob, policyStep, type StepContext} from './policy-step.js'

/** A refresh policy: TimescaleDB's own, or a row for jobs of ours. */
export function refreshSteps(change: Refresh, context: StepContext): Step[] {
  const {key} = change
  const id = `refresh policy of ${key}`
  if (change.by === 'qicore') return [policyStep(id, key, [rowOf(change)])]
  const row = change.dropsRow ? [sql`delete from qicore.policies where object = ${key} and kind = 'refresh'`] : []
  return [
    policyStep(id, key, [ownPolicy(change, context), ...row], {
      doneCheck: change.dropsRow ? null : isThere(change, context),
    }),
  ]
}

function ownPolicy({key, startOffset, endOffset, every, job}: Refresh, {server}: StepContext): Statement {
  if (job !== null) {
    const config = sql`j.config || jsonb_build_object('start_offset', ${ageJson(startOffset)}, 'end_offset', ${ageJson(endOffset)})`
    return alterJob(server, job, config, every)
  }
  const [start, end] = [age(startOffset), age(endOffset)]
  return sql`select ${timescaledbFunction(server, 'add_continuous_aggregate_policy')}(${key}::regclass, start_offset => ${start.value}::${raw(start.type)}, end_offset => ${end.value}::${raw(end.type)}, schedule_interval => ${toInterval(every)}::interval)`
}

function isThere({startOffset, endOffset, every}: Refresh, {table}: StepContext): Statement {
  const [start, end] = [age(startOffset), age(endOffset)]
  return sql`select exists (
  select from timescaledb_information.jobs j
  where j.proc_name = 'policy_refresh_continuous_aggregate' and (j.config ->> 'mat_hypertable_id')::int = ${table.id!} and j.scheduled
    and (j.config ->> 'start_offset')::${raw(start.type)} = ${start.value}::${raw(start.type)}
    and (j.config ->> 'end_offset')::${raw(end.type)} = ${end.value}::${raw(end.type)} and j.schedule_interval = ${toInterval(every)}::interval
) as done`
}

function rowOf({key, startOffset, endOffset, every}: Refresh): Statement {
  // Where TimescaleDB has no policies its tables have no integer time that a refresh of ours could read.
  const config = {
    startOffset: durationInWords(startOffset as Duration),
    endOffset: durationInWords(endOffset as Duration),
    every: durationInWords(every),
  }
  return sql`insert into qicore.policies (object, kind, config, set_by) values (${key}, 'refresh', ${JSON.stringify(config)}::jsonb, session_user)
on conflict (object, kind) do update set config = excluded.config, set_by = excluded.set_by, set_at = now()`
}
