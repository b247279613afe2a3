import {durationInWords} from '../units/duration.js'
import type {EngineKind} from '../db/server.js'
import type {PolicyKind} from './declared.js'
import {rulesOf, type LiveRule} from './table-state.js'
import type {Change, Compression, GatedRetention, NativeRetention, Refresh} from './change.js'
import {lengthInWords, offsetInWords, type Scale} from '../catalog/offset-words.js'
import {sameDuration, sameOffset} from './offsets.js'
import {sameList} from './order.js'
import type {Problem, DesiredState} from './desired.js'
import {command} from '../units/command.js'

export interface DiffOptions {
  engine: EngineKind
  maxDropPerRun: number
}

/**
 * What has to change for a table to stand as it was declared. Kinds of policy of which nothing was said are left
 * alone, and what an engine cannot do is not asked of it.
 */
export function diff(wanted: DesiredState, options: DiffOptions, problems: Problem[]): Change[] {
  const {state} = wanted
  const community = options.engine === 'timescaledb' && state.native
  return [
    ...chunkInterval(wanted),
    ...(community ? compression(wanted, problems) : []),
    ...refresh(wanted, community, problems),
    ...retention(wanted, options, community, problems),
  ]
}

function chunkInterval({state, chunkInterval: to}: DesiredState): Change[] {
  if (to === null || to === state.chunkInterval) return []
  const said = (length: bigint | null) => lengthInWords(length, state.scale)
  return [
    {
      do: 'chunk interval',
      key: state.key,
      from: state.chunkInterval,
      to,
      why: [`chunks of ${said(to)} from now on, were ${said(state.chunkInterval)}`],
    },
  ]
}

function compression({state, compression: wanted}: DesiredState, problems: Problem[]): Change[] {
  if (wanted === null) return []
  const {key} = state
  if (wanted === 'none')
    return removal(state.key, 'compression', rulesOf(state, 'compression'), 'declared to have none')
  const changes: Change[] = []
  const before = state.compression
  // Without a word about the order TimescaleDB would choose one by itself, and in some versions not by time.
  const orderBy = wanted.orderBy ?? (before === null && state.timeColumn !== null ? [`${state.timeColumn} desc`] : null)
  const differs = (to: readonly string[] | null, from: readonly string[] | null | undefined) =>
    to !== null && !sameList(to, from ?? (to.length === 0 ? [] : null))
  const why = [
    ...(before === null ? ['compression is not enabled'] : []),
    ...(differs(wanted.segmentBy, before?.segmentBy)
      ? [`segmentBy ${columns(wanted.segmentBy)}${before === null ? '' : `, was ${columns(before.segmentBy)}`}`]
      : []),
    ...(differs(orderBy, before?.orderBy)
      ? [`orderBy ${columns(orderBy)}${before === null ? '' : `, was ${columns(before.orderBy)}`}`]
      : []),
  ]
  if (why.length > 0)
    changes.push({
      do: 'settings',
      key,
      settings: {segmentBy: wanted.segmentBy ?? before?.segmentBy ?? null, orderBy: orderBy ?? before?.orderBy ?? null},
      before,
      why,
    })
  const live = one(
    rulesOf(state, 'compression').filter(({by}) => by === 'timescaledb'),
    key,
    'compression',
    problems,
  )
  if (live === undefined) return changes
  const policy: Compression = {
    do: 'compression',
    key,
    after: wanted.after,
    job: live?.job?.id ?? null,
    why:
      live === null
        ? [`after ${offsetInWords(wanted.after, state.scale)}`]
        : ageDiffers(live, wanted.after, state.scale),
  }
  return policy.why.length > 0 ? [...changes, policy] : changes
}

function refresh({state, refresh: wanted}: DesiredState, community: boolean, problems: Problem[]): Change[] {
  if (wanted === null || state.kind !== 'aggregate') return []
  const {key} = state
  const rules = rulesOf(state, 'refresh')
  if (wanted === 'none') return removal(key, 'refresh', rules, 'declared to have none')
  const live = one(
    rules.filter(({by}) => by === (community ? 'timescaledb' : 'qicore')),
    key,
    'refresh',
    problems,
  )
  if (live === undefined) return []
  const dropsRow = community && rules.some(({by}) => by === 'qicore')
  const change: Refresh = {
    do: 'refresh',
    key,
    by: community ? 'timescaledb' : 'qicore',
    ...wanted,
    job: live?.job?.id ?? null,
    dropsRow,
    why: [],
  }
  const why =
    live === null
      ? [
          `${offsetInWords(wanted.startOffset, state.scale)} to ${offsetInWords(wanted.endOffset, state.scale)} ago, every ${durationInWords(wanted.every)}`,
        ]
      : [
          ...(sameOffset(live.startOffset, wanted.startOffset)
            ? []
            : [
                `startOffset ${offsetInWords(wanted.startOffset, state.scale)}, was ${offsetInWords(live.startOffset, state.scale)}`,
              ]),
          ...(sameOffset(live.endOffset, wanted.endOffset)
            ? []
            : [
                `endOffset ${offsetInWords(wanted.endOffset, state.scale)}, was ${offsetInWords(live.endOffset, state.scale)}`,
              ]),
          ...(live.schedule !== null && sameDuration(live.schedule, wanted.every)
            ? []
            : [
                `every ${durationInWords(wanted.every)}, was ${live.schedule === null ? 'not said' : durationInWords(live.schedule)}`,
              ]),
          ...paused(live),
        ]
  if (dropsRow) why.push("TimescaleDB's own policy takes the place of the row in qicore.policies")
  return why.length > 0 ? [{...change, why}] : []
}

function retention(
  {state, retention: wanted}: DesiredState,
  {engine, maxDropPerRun}: DiffOptions,
  community: boolean,
  problems: Problem[],
): Change[] {
  // A table of ours under a view has no chunks to drop.
  if (wanted === null || (state.kind === 'aggregate' && !state.native)) return []
  const {key} = state
  const rules = rulesOf(state, 'retention')
  if (wanted === 'none') return removal(key, 'retention', rules, 'declared to have none')
  const native = one(
    rules.filter(({by}) => by === 'timescaledb'),
    key,
    'retention',
    problems,
  )
  if (native === undefined) return []
  const gated = rules.find(({by}) => by === 'qicore') ?? null
  const gatedJobs =
    gated === null ? [] : [...(gated.job === null ? [] : [gated.job.id]), ...(gated.gate?.duplicateJobs ?? [])]
  if (wanted.native && community) {
    const change: NativeRetention = {
      do: 'native retention',
      key,
      after: wanted.offset,
      job: native?.job?.id ?? null,
      removes: {jobs: gatedJobs, row: gated !== null},
      why: [],
    }
    const why = [
      ...(native === null
        ? [`after ${offsetInWords(wanted.offset, state.scale)}, ungated`]
        : ageDiffers(native, wanted.offset, state.scale)),
      ...(gated === null ? [] : ['takes the place of the gated retention']),
    ]
    return why.length > 0 ? [{...change, why}] : []
  }
  const scheduler = engine === 'timescaledb'
  const timeUnit = state.scale === 'time' || state.scale === 'unknown' ? null : state.scale
  const change: GatedRetention = {
    do: 'gated retention',
    key,
    after: wanted.after,
    timeUnit,
    maxDropPerRun,
    scheduler,
    job: gated?.job?.id ?? null,
    removes: {jobs: gated?.gate?.duplicateJobs ?? [], native: native !== null},
    why: [],
  }
  const why = [
    ...(gated === null
      ? [`older than ${durationInWords(wanted.after)}, at most ${maxDropPerRun} a run`]
      : gateDiffers(gated, change, state.scale)),
    ...(native === null ? [] : ["replaces TimescaleDB's own policy, which drops without asking any aggregate"]),
  ]
  return why.length > 0 ? [{...change, why}] : []
}

function gateDiffers(
  live: LiveRule,
  {after, timeUnit, maxDropPerRun, scheduler}: GatedRetention,
  scale: Scale,
): string[] {
  const {gate} = live
  return [
    ...(sameOffset(live.after, after)
      ? []
      : [`older than ${durationInWords(after)}, was ${offsetInWords(live.after, scale)}`]),
    ...(gate?.maxDropPerRun === maxDropPerRun
      ? []
      : [`at most ${maxDropPerRun} a run, was ${gate?.maxDropPerRun ?? 'not said'}`]),
    ...((gate?.timeUnit ?? null) === timeUnit
      ? []
      : [`an integer is ${timeUnit}, was ${gate?.timeUnit ?? 'not said'}`]),
    ...(gate?.consentValid ? [] : ['not confirmed since it was changed']),
    ...(scheduler && live.job === null ? ['its job is missing'] : []),
    ...(gate?.jobConsentMatches === false ? ['its job was made for something else'] : []),
    ...(gate !== null && gate.duplicateJobs.length > 0
      ? [`jobs ${gate.duplicateJobs.join(', ')} do the same once more`]
      : []),
    ...paused(live),
  ]
}

function ageDiffers(live: LiveRule, after: Compression['after'], scale: Scale): string[] {
  const was = live.after ?? live.createdBefore
  return [
    ...(live.after !== null && sameOffset(live.after, after)
      ? []
      : [
          `after ${offsetInWords(after, scale)}, was ${offsetInWords(was, scale)}${live.after === null ? ' by creation' : ''}`,
        ]),
    ...paused(live),
  ]
}

function paused({job}: LiveRule): string[] {
  return job !== null && !job.scheduled ? [`job ${job.id} is paused`] : []
}

/** The one live policy, null for none; undefined where there are more, which a declaration cannot say. */
function one(
  rules: readonly LiveRule[],
  key: string,
  kind: PolicyKind,
  problems: Problem[],
): LiveRule | null | undefined {
  if (rules.length <= 1) return rules[0] ?? null
  const jobs = rules.map(({job}) => job?.id)
  problems.push({
    code: 'POLICY_TWICE',
    message: `${key} has ${rules.length} ${kind} policies (jobs ${jobs.join(', ')}), and a declaration stands for one.`,
    suggestion: `Remove all but one: ${command('policies remove', [kind, key], {job: jobs.at(-1)})}`,
  })
  return undefined
}

/** The removal of live policies of one kind; nothing where there are none. */
export function removal(key: string, kind: PolicyKind, rules: readonly LiveRule[], why: string): Change[] {
  if (rules.length === 0) return []
  const native = rules.filter(({by}) => by === 'timescaledb').flatMap(({job}) => (job === null ? [] : [job.id]))
  const jobs = rules
    .filter(({by}) => by === 'qicore')
    .flatMap(({job, gate}) => [...(job === null ? [] : [job.id]), ...(gate?.duplicateJobs ?? [])])
  return [{do: 'remove', key, kind, native, jobs, row: rules.some(({by}) => by === 'qicore'), why: [why]}]
}

function columns(list: readonly string[] | null): string {
  return list === null || list.length === 0 ? 'none' : list.join(', ')
}
