import {shortName} from '../../db/qualified-name.js'
import {timescaledbFunction} from '../../db/server.js'
import {raw, sql, type Statement} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import type {Offset} from '../../catalog/live-policies.js'
import type {Step} from '../../run/step.js'
import {command} from '../../units/command.js'
import {durationInWords, parseDuration, toInterval, type Duration} from '../../units/duration.js'
import {offsetInWords, type Scale} from '../../catalog/offset-words.js'
import {fixBy} from '../status/types.js'
import {sameDuration, sameOffset} from '../offsets.js'
import {age, ageJson, alterJob, policyStep, type StepContext} from '../plan/policy-step.js'
import {shortUnits} from '../status/short-units.js'
import {readRefreshFacts, refreshWork, type RefreshFacts} from '../status/status-work.js'
import {plannedJob, type LiveRule} from '../table-state.js'
import type {ChangeBase, DiffContext, PolicyKind} from './kind.js'
import {bareRule, offsetInConfig, offsetText, paused, single, withRule} from './rules.js'

export interface RefreshRule {
  startOffset: Duration
  endOffset: Duration
  every: Duration
}

/** A {@link RefreshRule} on the table's scale. */
export interface DesiredRefresh {
  startOffset: Offset
  endOffset: Offset
  every: Duration
}

export interface Refresh extends ChangeBase, DesiredRefresh {
  do: 'refresh'
  /** `qicore`: a row of qicore.policies, on engines whose scheduler runs no policies. */
  by: 'timescaledb' | 'qicore'
  /** Null adds the policy; a number alters that job in place. */
  job: number | null
  /** TimescaleDB's policy replaces a row of qicore.policies, which is deleted. */
  dropsRow: boolean
}

/**
 * Refreshes the recent part of an aggregate: a policy of TimescaleDB, or a row of qicore.policies for the refresh job.
 */
export const refresh: PolicyKind<RefreshRule, DesiredRefresh, Refresh, RefreshFacts> = {
  name: 'refresh',
  changes: ['refresh'],
  eachOfSeveral: null,
  declare: (written) => written,
  fromDefinition(definition) {
    if (!('refresh' in definition)) return undefined
    const {startOffset, endOffset, every} = definition.refresh
    return {startOffset: parseDuration(startOffset), endOffset: parseDuration(endOffset), every: parseDuration(every)}
  },
  isRow: (engine) => !can(engine, 'policies'),
  impossible: ({kind}) =>
    kind === 'aggregate'
      ? null
      : {
          code: 'NOT_AN_AGGREGATE',
          why: 'it is not an aggregate, so there is nothing to refresh',
          suggestions: [`List the aggregates: ${command('aggregates list')}`],
        },
  desired(rule, {offset}) {
    const [startOffset, endOffset] = [offset('startOffset', rule.startOffset), offset('endOffset', rule.endOffset)]
    return startOffset === null || endOffset === null ? null : {startOffset, endOffset, every: rule.every}
  },
  diff,
  steps,
  project(state, {by, startOffset, endOffset, every, job}) {
    const rule: LiveRule = {
      ...bareRule,
      kind: 'refresh',
      by,
      job: by === 'qicore' ? null : plannedJob(job),
      startOffset,
      endOffset,
      schedule: every,
    }
    return withRule(state, ({kind}) => kind === 'refresh', rule)
  },
  runsAsOwner: ({by}) => by === 'timescaledb',
  ruleText: ({startOffset, endOffset, every}) => ({
    startOffset: durationInWords(startOffset),
    endOffset: durationInWords(endOffset),
    every: durationInWords(every),
  }),
  liveText: ({startOffset, endOffset, schedule}, {scale}) => ({
    startOffset: offsetText(startOffset, scale),
    endOffset: offsetText(endOffset, scale),
    every: schedule === null ? null : durationInWords(schedule),
  }),
  cell: ({startOffset, endOffset}) => `${shortUnits(startOffset)}/${shortUnits(endOffset)}`,
  notDoneInWords: (code, {count, noun}) =>
    code === 'changed_since' ? `rows of ${count}${noun === '' ? ' ranges' : noun} changed after the refresh` : null,
  inWords: ({startOffset, endOffset, every}) =>
    `${durationInWords(startOffset)} to ${durationInWords(endOffset)} ago, every ${durationInWords(every)}`,
  liveInWords: ({startOffset, endOffset, schedule}, scale) =>
    `${offsetInWords(startOffset, scale)} to ${offsetInWords(endOffset, scale)} ` +
    `ago${schedule === null ? '' : `, every ${durationInWords(schedule)}`}`,
  toConfig(rule, state) {
    const open = rule.startOffset === null || rule.endOffset === null || rule.schedule === null
    const [startOffset, endOffset, every] = [rule.startOffset, rule.endOffset, rule.schedule].map((offset) =>
      offsetInConfig(offset, state),
    )
    if (startOffset == null || endOffset == null || every == null)
      return {
        cannot: open
          ? 'its window has no start or no end'
          : 'it has a duration of months and hours, or integers of an unknown unit',
      }
    return {value: {startOffset, endOffset, every}}
  },
  readFacts: readRefreshFacts,
  work: refreshWork,
  advice: ({schema, table}) => [fixBy(command('aggregates refresh', [shortName(schema, table)]))],
}

function diff(wanted: DesiredRefresh, {state, rules, scheduled, problems}: DiffContext): Refresh[] {
  const {key} = state
  const by = scheduled ? ('timescaledb' as const) : ('qicore' as const)
  const own = rules.filter((rule) => rule.by === by)
  const live = single(own, key, 'refresh', problems)
  if (live === undefined) return []
  const dropsRow = scheduled && rules.some((rule) => rule.by === 'qicore')
  const why = [
    ...(live === null ? [added(wanted, state.scale)] : windowDiffers(live, wanted, state.scale)),
    ...(dropsRow ? ["TimescaleDB's own policy replaces the row in qicore.policies"] : []),
  ]
  return why.length === 0 ? [] : [{do: 'refresh', key, by, ...wanted, job: live?.job?.id ?? null, dropsRow, why}]
}

function added({startOffset, endOffset, every}: DesiredRefresh, scale: Scale): string {
  return (
    `${offsetInWords(startOffset, scale)} to ${offsetInWords(endOffset, scale)} ago, every ` +
    `${durationInWords(every)}`
  )
}

function windowDiffers(live: LiveRule, {startOffset, endOffset, every}: DesiredRefresh, scale: Scale): string[] {
  const was = live.schedule === null ? 'not set' : durationInWords(live.schedule)
  return [
    ...(sameOffset(live.startOffset, startOffset)
      ? []
      : [`startOffset ${offsetInWords(startOffset, scale)}, was ${offsetInWords(live.startOffset, scale)}`]),
    ...(sameOffset(live.endOffset, endOffset)
      ? []
      : [`endOffset ${offsetInWords(endOffset, scale)}, was ${offsetInWords(live.endOffset, scale)}`]),
    ...(live.schedule !== null && sameDuration(live.schedule, every)
      ? []
      : [`every ${durationInWords(every)}, was ${was}`]),
    ...paused(live),
  ]
}

function steps(change: Refresh, context: StepContext): Step[] {
  const {key} = change
  const id = `refresh policy of ${key}`
  if (change.by === 'qicore') return [policyStep(id, key, [rowOf(change)])]
  const row = change.dropsRow ? [sql`delete from qicore.policies where object = ${key} and kind = 'refresh'`] : []
  return [
    policyStep(id, key, [timescaledbPolicy(change, context), ...row], {
      doneCheck: change.dropsRow ? null : isThere(change, context),
    }),
  ]
}

function timescaledbPolicy({key, startOffset, endOffset, every, job}: Refresh, {server}: StepContext): Statement {
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
  // Emulated aggregates have no integer time, so the offsets are durations.
  const config = {
    startOffset: durationInWords(startOffset as Duration),
    endOffset: durationInWords(endOffset as Duration),
    every: durationInWords(every),
  }
  return sql`insert into qicore.policies (object, kind, config, set_by) values (${key}, 'refresh', ${JSON.stringify(config)}::jsonb, session_user)
on conflict (object, kind) do update set config = excluded.config, set_by = excluded.set_by, set_at = now()`
}
