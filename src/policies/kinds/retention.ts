import type {LivePolicy, Offset} from '../../catalog/live-policies.js'
import {fromMicros} from '../../catalog/time.js'
import {exportInWords, exportJson, exportText, sameExport, type ExportSettings} from '../../export/settings.js'
import {can} from '../../engines/index.js'
import {command} from '../../units/command.js'
import {approximateSeconds, durationInWords, parseDuration, type Duration} from '../../units/duration.js'
import {offsetInWords, type Scale} from '../../catalog/offset-words.js'
import {sameOffset} from '../offsets.js'
import {retentionAdvice} from '../plan/retention-advice.js'
import {exportsRows} from '../retention-export.js'
import {readRetentionFacts, stagesOfPolicy, stageWork, type RetentionFacts} from '../status/stage-work.js'
import {chunkWork} from '../status/status-work.js'
import {plannedJob, type LiveRule} from '../table-state.js'
import {sameStages, stagesInWords, stagesJson, type Stages} from '../../partitions/retain/stages.js'
import type {WorkRequest} from '../status/work.js'
import {retentionStep, type GatedRetention, type NativeRetention} from './retention-steps.js'
import {needsStages, noStages, stagesCell, stagesText} from './retention-stages.js'
import type {ConfigValue, DiffContext, PolicyKind} from './kind.js'
import {
  ageCell,
  ageDiffers,
  ageInWords,
  ageReason,
  ageText,
  bareRule,
  offsetInConfig,
  paused,
  single,
  withRule,
} from './rules.js'

export interface RetentionRule {
  after: Duration
  /** TimescaleDB's own policy, which checks no aggregate, instead of the gated one. */
  native: boolean
  /** What happens to a partition instead of its drop; `after` is then the age of its detach. */
  stages?: Stages | null
  /** Where a chunk is exported to before it is dropped; absent or null: nowhere. */
  exportTo?: ExportSettings | null
}

/** A {@link RetentionRule} with its age on the table's scale. */
export interface DesiredRetention extends RetentionRule {
  offset: Offset
}

/** Drops chunks or partitions that are older than an age: gated by aggregates, or with TimescaleDB's own policy. */
export const retention: PolicyKind<
  RetentionRule,
  DesiredRetention,
  GatedRetention | NativeRetention,
  RetentionFacts,
  {
    after: Duration
    native?: boolean | undefined
    stages?: Stages | null | undefined
    exportTo?: ExportSettings | null | undefined
  }
> = {
  name: 'retention',
  changes: ['gated retention', 'native retention'],
  eachOfSeveral: 'drops',
  declare: ({after, native = false, stages = null, exportTo = null}) => ({after, native, stages, exportTo}),
  fromDefinition: ({retention: rule}) => rule && {after: parseDuration(rule.after), native: false, stages: null},
  isRow: () => true,
  impossible: ({kind, native}) =>
    kind === 'aggregate' && !native
      ? {
          code: 'NOT_POSSIBLE_HERE',
          why: 'it is an emulated aggregate and has no chunks to drop',
          suggestions: [],
        }
      : null,
  remarks: (rule, {engine, native: ofTimescaledb}) => [
    ...(rule.native && !(can(engine, 'policies') && ofTimescaledb)
      ? ['native retention is not available here; a gated retention is used.']
      : []),
    ...(exportsRows(rule)
      ? [
          "its retention exports rows before it drops them. TimescaleDB's scheduler and pg_cron cannot write " +
            `files: a daemon does it, or ${command('jobs run', ['retain'])}`,
        ]
      : []),
  ],
  desired(rule, {offset, state, place, problems}) {
    if (rule.stages && state.kind !== 'partitioned') {
      problems.push(noStages(state.key, place))
      return null
    }
    if (rule.exportTo && state.kind === 'partitioned') {
      problems.push(needsStages(state.key, place))
      return null
    }
    const after = offset(rule.stages ? 'detach' : 'after', rule.after)
    return after === null ? null : {...rule, offset: after}
  },
  diff(wanted, context) {
    const own = context.rules.filter(({by}) => by === 'timescaledb')
    const native = single(own, context.state.key, 'retention', context.problems)
    if (native === undefined) return []
    const gated = context.rules.find(({by}) => by === 'qicore') ?? null
    return wanted.native && context.scheduled
      ? nativeChange(wanted, context, native, gated)
      : gatedChange(wanted, context, native, gated)
  },
  steps: (change, context) => [retentionStep(change, context)],
  project: (state, change) => withRule(state, ({kind}) => kind === 'retention', ruleAfter(change)),
  runsAsOwner: (change) => change.do === 'native retention',
  ruleText: ({after, native, stages, exportTo}) => ({
    ...(stages ? stagesText(stages) : {after: durationInWords(after)}),
    ...(exportTo ? {export: exportText(exportTo)} : {}),
    native,
  }),
  liveText: (rule, state) => ({
    ...(rule.gate?.stages
      ? {...stagesText(rule.gate.stages), every: rule.schedule === null ? null : durationInWords(rule.schedule)}
      : ageText(rule, state)),
    ...(rule.gate?.exportTo ? {export: exportText(rule.gate.exportTo)} : {}),
    native: rule.by === 'timescaledb',
    ...(rule.gate === null ? {} : {maxDropPerRun: rule.gate.maxDropPerRun, consentValid: rule.gate.consentValid}),
  }),
  cell: (text) => (text.detach === undefined ? `${ageCell(text)}${text.export ? ', exported' : ''}` : stagesCell(text)),
  inWords: ({after, native, stages, exportTo}) =>
    stages
      ? stagesInWords(stages)
      : `after ${durationInWords(after)}, ` +
        `${native ? 'native' : 'gated'}${exportTo ? `, ${exportInWords(exportTo)}` : ''}`,
  liveInWords: (rule, scale) =>
    rule.gate?.stages
      ? stagesInWords(rule.gate.stages)
      : `${ageInWords(rule, scale)}${rule.gate?.exportTo ? `, ${exportInWords(rule.gate.exportTo)}` : ''}`,
  toConfig(rule, state) {
    if (rule.gate?.stages) return {value: stagesJson(rule.gate.stages) as ConfigValue & object}
    const after = offsetInConfig(rule.after, state)
    if (after === null) return {cannot: ageReason(rule)}
    const exportTo = rule.gate?.exportTo
    return {
      value: {
        after,
        ...(rule.by === 'timescaledb' ? {native: true} : {}),
        ...(exportTo ? {export: exportJson(exportTo) as ConfigValue} : {}),
      },
    }
  },
  readFacts: (db, policies) => readRetentionFacts(db, policies),
  work(request, facts) {
    const stages = stagesOfPolicy(request.policy)
    const scaled = {...request, policy: onScale(request)}
    return stages === null ? chunkWork(scaled) : stageWork(scaled, stages, facts)
  },
  advice: retentionAdvice,
}

/**
 * The policy on its table's scale: the age of a gated retention is a duration also on integer time, and its job has the
 * schedule.
 */
function onScale({policy, rule, snapshot}: WorkRequest): LivePolicy {
  const {after} = policy
  const schedule = policy.schedule ?? rule?.schedule ?? null
  const unit = snapshot.clocks.get(policy.table)?.unit ?? null
  if (after === null || typeof after === 'bigint' || policy.table.time !== 'integer' || unit === null)
    return {...policy, schedule}
  return {...policy, schedule, after: fromMicros(BigInt(Math.round(approximateSeconds(after) * 1e6)), unit)}
}

function nativeChange(
  {offset: after}: DesiredRetention,
  {state: {key, scale}}: DiffContext,
  native: LiveRule | null,
  gated: LiveRule | null,
): NativeRetention[] {
  const gatedJobs = [...(gated?.job == null ? [] : [gated.job.id]), ...(gated?.gate?.duplicateJobs ?? [])]
  const removes = {jobs: gatedJobs, row: gated !== null}
  const why = [
    ...(native === null ? [`after ${offsetInWords(after, scale)}, ungated`] : ageDiffers(native, after, scale)),
    ...(gated === null ? [] : ['replaces the gated retention']),
  ]
  if (why.length === 0) return []
  return [{do: 'native retention', key, after, job: native?.job?.id ?? null, removes, why}]
}

function gatedChange(
  {after, stages = null, exportTo = null}: DesiredRetention,
  {state, engine, maxDropPerRun}: DiffContext,
  native: LiveRule | null,
  gated: LiveRule | null,
): GatedRetention[] {
  const scheduler = can(engine, 'policies') && !exportsRows({stages, exportTo})
  // The job of TimescaleDB's scheduler would call a routine that exports nothing.
  const released = scheduler || gated?.job == null ? [] : [gated.job.id]
  const change: GatedRetention = {
    do: 'gated retention',
    key: state.key,
    after,
    stages,
    exportTo,
    timeUnit: state.scale === 'time' || state.scale === 'unknown' ? null : state.scale,
    maxDropPerRun,
    scheduler,
    job: scheduler ? (gated?.job?.id ?? null) : null,
    removes: {jobs: [...released, ...(gated?.gate?.duplicateJobs ?? [])], native: native !== null},
    why: [],
  }
  const why = [
    ...(gated === null
      ? [
          `${stages === null ? `older than ${durationInWords(after)}` : stagesInWords(stages)}${exportTo === null ? '' : `, each ${exportInWords(exportTo)} first`}, ` +
            `at most ${maxDropPerRun} a run`,
        ]
      : gateDiffers(gated, change, state.scale)),
    ...(native === null ? [] : ["replaces TimescaleDB's own policy, which checks no aggregate"]),
  ]
  return why.length === 0 ? [] : [{...change, why}]
}

function gateDiffers(
  live: LiveRule,
  {after, stages = null, exportTo = null, timeUnit, maxDropPerRun, scheduler}: GatedRetention,
  scale: Scale,
): string[] {
  const {gate} = live
  const [was, wanted] = [gate?.stages ?? null, stages].map((each) => each && stagesInWords(each))
  const differs: [boolean, string][] = [
    [
      !sameStages(gate?.stages ?? null, stages),
      `${wanted ?? 'dropped, without stages'}, was ${was ?? 'without stages'}`,
    ],
    [
      stages === null && !sameOffset(live.after, after),
      `older than ${durationInWords(after)}, was ${offsetInWords(live.after, scale)}`,
    ],
    [
      !sameExport(gate?.exportTo ?? null, exportTo),
      `${exportTo === null ? 'not exported' : exportInWords(exportTo)}, was ` +
        `${gate?.exportTo ? exportInWords(gate.exportTo) : 'not exported'}`,
    ],
    [gate?.maxDropPerRun !== maxDropPerRun, `at most ${maxDropPerRun} a run, was ${gate?.maxDropPerRun ?? 'not set'}`],
    [(gate?.timeUnit ?? null) !== timeUnit, `timeUnit ${timeUnit}, was ${gate?.timeUnit ?? 'not set'}`],
    [!gate?.consentValid, 'not confirmed since it was changed'],
    [scheduler && live.job === null, 'its job is missing'],
    [!scheduler && live.job !== null, `job ${live.job?.id} of TimescaleDB cannot export and is removed`],
    [gate?.jobConsentMatches === false, 'its job was created for another confirmed policy'],
    [(gate?.duplicateJobs ?? []).length > 0, `jobs ${gate?.duplicateJobs.join(', ')} are duplicates`],
  ]
  return [...differs.flatMap(([is, why]) => (is ? [why] : [])), ...paused(live)]
}

function ruleAfter(change: GatedRetention | NativeRetention): LiveRule {
  if (change.do === 'native retention')
    return {...bareRule, kind: 'retention', by: 'timescaledb', job: plannedJob(change.job), after: change.after}
  const {maxDropPerRun, timeUnit} = change
  return {
    ...bareRule,
    kind: 'retention',
    by: 'qicore',
    job: change.scheduler ? plannedJob(change.job) : null,
    after: change.after,
    gate: {
      maxDropPerRun,
      timeUnit,
      stages: change.stages ?? null,
      exportTo: change.exportTo ?? null,
      consentValid: true,
      jobConsentMatches: true,
      duplicateJobs: [],
    },
  }
}
