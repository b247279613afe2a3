import {shortName} from '../../db/qualified-name.js'
import {timescaledbFunction} from '../../db/server.js'
import {ident, literal, quoteIdent, raw, sql} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import type {Offset} from '../../catalog/live-policies.js'
import type {Step} from '../../run/step.js'
import {command} from '../../units/command.js'
import {approximateSeconds, durationInWords, parseDuration, toInterval, type Duration} from '../../units/duration.js'
import {durationOfMicros, offsetInWords} from '../../catalog/offset-words.js'
import {fixBy} from '../status/types.js'
import {orderText, readOrder} from '../plan/order.js'
import {age, ageJson, alterJob, policyStep, type StepContext} from '../plan/policy-step.js'
import type {Problem} from '../plan/problem.js'
import {chunkWork} from '../status/status-work.js'
import {plannedJob, type CompressionSettings, type LiveRule, type TableState} from '../table-state.js'
import type {ChangeBase, DiffContext, Place, PolicyKind, RuleReader} from './kind.js'
import {columnarChange, columnarState, columnarStep, isColumnar, type Columnar} from './columnar.js'
import {columnsInWords, settingsAfter, settingsDiffer} from './settings-differ.js'
import {
  ageCell,
  ageDiffers,
  ageInWords,
  ageReason,
  ageText,
  bareRule,
  lacking,
  offsetInConfig,
  scheduleDiffers,
  single,
  withRule,
} from './rules.js'

export interface CompressionRule {
  after: Duration
  /** Null if not declared: the current setting is kept. */
  segmentBy: readonly string[] | null
  /** As in the configuration: `time desc`. */
  orderBy: readonly string[] | null
  /** Time between two runs; absent means unchanged. */
  every?: Duration | undefined
  /** Citus: statements that columnar partitions refuse never reach partitions of this age. Absent means unchanged. */
  allowUpdates?: boolean | undefined
}

/** The rule in a configuration. Missing fields come from the definitions, else from the table's settings. */
export interface WrittenCompression {
  after: Duration
  segmentBy?: readonly string[] | undefined
  orderBy?: readonly string[] | undefined
  every?: Duration | undefined
  allowUpdates?: boolean | undefined
}

/** A {@link CompressionRule} on the table's scale. */
export interface DesiredCompression {
  after: Offset
  segmentBy: readonly string[] | null
  orderBy: readonly string[] | null
  every?: Duration | undefined
  allowUpdates?: boolean | undefined
}

/** The settings for chunks that are compressed from now on; enables compression if it is not. */
export interface Settings extends ChangeBase {
  do: 'settings'
  settings: CompressionSettings
  /** Null if compression is not enabled yet. */
  before: CompressionSettings | null
}

/** Adds the policy if `job` is null, else alters that job in place. */
export interface Compression extends ChangeBase {
  do: 'compression'
  after: Offset
  every?: Duration | undefined
  job: number | null
}

/**
 * Compresses chunks that are older than an age: a policy of TimescaleDB's community edition, or a row for the job
 * compress on Citus, where the chunks are partitions.
 */
export const compression: PolicyKind<
  CompressionRule,
  DesiredCompression,
  Settings | Compression | Columnar,
  null,
  WrittenCompression
> = {
  name: 'compression',
  changes: ['settings', 'compression', 'columnar'],
  eachOfSeveral: 'compresses',
  declare: ({after, segmentBy, orderBy, every, allowUpdates}, before) => ({
    after,
    segmentBy: segmentBy ?? before?.segmentBy ?? null,
    orderBy: orderBy ?? before?.orderBy ?? null,
    every: every ?? before?.every,
    allowUpdates: allowUpdates ?? before?.allowUpdates,
  }),
  fromDefinition: ({compression: rule}) => rule && {...rule, after: parseDuration(rule.after)},
  isRow: (engine) => can(engine, 'columnar'),
  impossible(place) {
    if (isColumnar(place)) return null
    const lack = lacking(place.engine, 'compression')
    if (lack !== null || place.native) return lack
    return {
      code: 'NOT_POSSIBLE_HERE',
      why: 'TimescaleDB compresses hypertables and continuous aggregates only',
      suggestions: ['Retention and refresh work on every table.'],
    }
  },
  remarks,
  desired,
  diff: (wanted, context) =>
    isColumnar({kind: context.state.kind, engine: context.engine})
      ? columnarChange(wanted, context)
      : [...settingsChange(wanted, context), ...policyChange(wanted, context)],
  steps(change, context) {
    if (change.do === 'settings') return [settingsStep(change, context)]
    return [change.do === 'columnar' ? columnarStep(change) : compressionStep(change, context)]
  },
  project(state, change) {
    if (change.do === 'settings') return {...state, compression: change.settings}
    if (change.do === 'columnar') return columnarState(state, change)
    const rule: LiveRule = {
      ...bareRule,
      kind: 'compression',
      by: 'timescaledb',
      job: plannedJob(change.job),
      after: change.after,
      schedule: change.every ?? state.policies.find((each) => each.job?.id === change.job)?.schedule ?? null,
    }
    return withRule(state, ({kind, by}) => kind === 'compression' && by === 'timescaledb', rule)
  },
  runsAsOwner: (change) => change.do === 'compression',
  ruleText: ({after, segmentBy, orderBy, every, allowUpdates}) => ({
    after: durationInWords(after),
    segmentBy,
    orderBy,
    ...(every === undefined ? {} : {every: durationInWords(every)}),
    ...(allowUpdates === undefined ? {} : {allowUpdates}),
  }),
  liveText: (rule, state) => ({
    ...ageText(rule, state),
    segmentBy: state.compression?.segmentBy ?? null,
    orderBy: state.compression?.orderBy ?? null,
    ...(rule.allowUpdates === undefined ? {} : {allowUpdates: rule.allowUpdates}),
  }),
  cell: ageCell,
  inWords: ({after, segmentBy, orderBy, every, allowUpdates}) =>
    [
      `after ${durationInWords(after)}`,
      ...(segmentBy === null ? [] : [`segmentBy ${columnsInWords(segmentBy)}`]),
      ...(orderBy === null ? [] : [`orderBy ${columnsInWords(orderBy)}`]),
      ...(every === undefined ? [] : [`every ${durationInWords(every)}`]),
      ...(allowUpdates === undefined ? [] : [`allowUpdates ${allowUpdates}`]),
    ].join('; '),
  liveInWords: ageInWords,
  toConfig(rule, state) {
    const after = offsetInConfig(rule.after, state)
    if (after === null) return {cannot: ageReason(rule)}
    const {segmentBy = null, orderBy = null} = state.compression ?? {}
    const every = usualSchedule(rule, state) ? null : offsetInConfig(rule.schedule, state)
    return {
      value: {
        after,
        ...(segmentBy === null || segmentBy.length === 0 ? {} : {segmentBy}),
        ...(orderBy === null || orderBy.length === 0 ? {} : {orderBy}),
        ...(every === null ? {} : {every}),
        ...(rule.allowUpdates ? {allowUpdates: true} : {}),
      },
    }
  },
  readFacts: async () => null,
  work: chunkWork,
  advice: ({schema, table}) => [fixBy(command('chunks compress', [shortName(schema, table)]))],
}

/** Whether the schedule is TimescaleDB's default: half of the chunk interval, or 12 hours on integer time. */
function usualSchedule({schedule}: LiveRule, {scale, chunkInterval}: TableState): boolean {
  if (schedule === null) return true
  const usual =
    scale === 'time' && chunkInterval !== null ? durationOfMicros(chunkInterval / 2n) : parseDuration('12 hours')
  return approximateSeconds(schedule) === approximateSeconds(usual)
}

function remarks({segmentBy, allowUpdates}: CompressionRule, place: Place): string[] {
  if (!isColumnar(place))
    return allowUpdates === undefined
      ? []
      : ['allowUpdates has no effect here: it is for columnar partitions of Citus.']
  if (segmentBy === null || segmentBy.length === 0) return []
  return [
    `Columnar partitions have no segments: their rows are sorted by segmentBy (${segmentBy.join(', ')}), ` +
      'then by orderBy.',
  ]
}

function desired(rule: CompressionRule, {state, place, problems, offset}: RuleReader): DesiredCompression | null {
  const after = offset('after', rule.after)
  for (const column of rule.segmentBy ?? [])
    if (!state.columns.includes(column)) problems.push(noSuchColumn(`${place}.segmentBy`, column, state))
  const orderBy = rule.orderBy?.map((text) => {
    const order = readOrder(text, state.columns)
    if (order === null) problems.push(noSuchColumn(`${place}.orderBy`, text, state))
    return order === null ? text : orderText(order)
  })
  const {segmentBy, every, allowUpdates} = rule
  return after === null ? null : {after, segmentBy, orderBy: orderBy ?? null, every, allowUpdates}
}

function settingsChange(wanted: DesiredCompression, {state}: DiffContext): Settings[] {
  const before = state.compression
  // Without orderBy TimescaleDB chooses an order itself, and in some versions not by time.
  const orderBy = wanted.orderBy ?? (before === null && state.timeColumn !== null ? [`${state.timeColumn} desc`] : null)
  const declared = {segmentBy: wanted.segmentBy, orderBy}
  const why = [...(before === null ? ['compression is not enabled'] : []), ...settingsDiffer(declared, before)]
  if (why.length === 0) return []
  const settings = settingsAfter(declared, before)
  return [{do: 'settings', key: state.key, settings, before, why}]
}

function policyChange({after, every}: DesiredCompression, {state, rules, problems}: DiffContext): Compression[] {
  const {key} = state
  const own = rules.filter(({by}) => by === 'timescaledb')
  const live = single(own, key, 'compression', problems)
  if (live === undefined) return []
  const why = [
    ...(live === null ? [`after ${offsetInWords(after, state.scale)}`] : ageDiffers(live, after, state.scale)),
    ...(every === undefined ? [] : scheduleDiffers(live, every)),
  ]
  return why.length === 0 ? [] : [{do: 'compression', key, after, every, job: live?.job?.id ?? null, why}]
}

function settingsStep({key, settings}: Settings, {table, state}: StepContext): Step {
  const of = ident(table.schema, table.name)
  const segmentBy = settings.segmentBy?.map(quoteIdent).join(', ')
  const orderBy = settings.orderBy?.map((text) => orderSql(text, state)).join(', ')
  const options = [
    'timescaledb.compress',
    ...(segmentBy === undefined ? [] : [`timescaledb.compress_segmentby = ${literal(segmentBy).text}`]),
    ...(orderBy === undefined ? [] : [`timescaledb.compress_orderby = ${literal(orderBy).text}`]),
  ]
  const statement = sql`alter ${raw(table.kind === 'aggregate' ? 'materialized view' : 'table')} ${of} set (${raw(options.join(', '))})`
  return policyStep(`compression settings of ${key}`, key, [statement], {
    kind: 'settings',
    lock: 'ACCESS EXCLUSIVE',
    relations: [key],
  })
}

function orderSql(text: string, {columns}: TableState): string {
  const order = readOrder(text, columns)
  // The text was validated against these columns before, so this is a bug or the column has just been dropped.
  if (order === null) throw new Error(`${text} does not name one of the columns`)
  return `${quoteIdent(order.column)} ${order.desc ? 'desc' : 'asc'} nulls ${order.nullsFirst ? 'first' : 'last'}`
}

function compressionStep({key, after, every, job}: Compression, {server, table}: StepContext): Step {
  const {value, type} = age(after)
  const schedule = every === undefined ? null : toInterval(every)
  const current = sql`select exists (
  select from timescaledb_information.jobs j
  where j.proc_name = 'policy_compression' and (j.config ->> 'hypertable_id')::int = ${table.id!} and j.scheduled
    and (j.config ->> 'compress_after')::${raw(type)} = ${value}::${raw(type)}
    and j.schedule_interval = coalesce(${schedule}::interval, j.schedule_interval)
) as done`
  const config = sql`(j.config - 'compress_created_before') || jsonb_build_object('compress_after', ${ageJson(after)})`
  const statement =
    job === null
      ? sql`select ${timescaledbFunction(server, 'add_compression_policy')}(${key}::regclass, compress_after => ${value}::${raw(type)}, schedule_interval => ${schedule}::interval)`
      : alterJob(server, job, config, every)
  return policyStep(`compression policy of ${key}`, key, [statement], {doneCheck: current})
}

function noSuchColumn(place: string, column: string, {key, columns}: TableState): Problem {
  return {
    code: 'NO_SUCH_COLUMN',
    message: `${place}: ${key} has no column "${column}".`,
    suggestion: `Its columns: ${columns.join(', ')}.`,
  }
}
