import type {Offset, PolicyKindName} from '../../catalog/live-policies.js'
import {durationOfMicros, offsetInWords, type Scale} from '../../catalog/offset-words.js'
import type {Capability} from '../../engines/engine.js'
import {lackOf, type EngineKind} from '../../engines/index.js'
import {fromMicros, toMicros} from '../../catalog/time.js'
import {dash} from '../../units/cell-text.js'
import {OpsError} from '../../errors.js'
import {command} from '../../units/command.js'
import {durationInWords, parseDuration, type Duration} from '../../units/duration.js'
import {sameDuration, sameOffset} from '../offsets.js'
import type {Problem} from '../plan/problem.js'
import type {RuleText} from '../status/types.js'
import type {LiveRule, TableState} from '../table-state.js'
import type {Impossible} from './kind.js'

/** A rule without any field set; a kind adds its own. */
export const bareRule: Omit<LiveRule, 'kind' | 'by'> = {
  job: null,
  after: null,
  createdBefore: null,
  startOffset: null,
  endOffset: null,
  schedule: null,
  gate: null,
}

/** A missing capability of the engine as the reason why a kind is impossible; null if the engine has it. */
export function lacking(engine: EngineKind, capability: Capability): Impossible | null {
  const lack = lackOf(engine, capability)
  return lack && {code: 'NOT_POSSIBLE_HERE', ...lack}
}

/** The state with this rule and without the rules that it replaces. */
export function withRule(state: TableState, replaced: (rule: LiveRule) => boolean, rule: LiveRule): TableState {
  return {...state, policies: [...state.policies.filter((each) => !replaced(each)), rule]}
}

/** The only live rule; null if there is none. Undefined if there are several, which is added to the problems. */
export function single(
  rules: readonly LiveRule[],
  key: string,
  kind: PolicyKindName,
  problems: Problem[],
): LiveRule | null | undefined {
  if (rules.length <= 1) return rules[0] ?? null
  const jobs = rules.map(({job}) => job?.id)
  problems.push({
    code: 'POLICY_TWICE',
    message: `${key} has ${rules.length} ${kind} policies (jobs ${jobs.join(', ')}), and a declaration describes one.`,
    suggestion: `Remove all but one: ${command('policies remove', [kind, key], {job: jobs.at(-1)})}`,
  })
  return undefined
}

/** How the age of a live rule differs, and whether its job is paused. */
export function ageDiffers(live: LiveRule, after: Offset, scale: Scale): string[] {
  const was = live.after ?? live.createdBefore
  return [
    ...(live.after !== null && sameOffset(live.after, after)
      ? []
      : [
          `after ${offsetInWords(after, scale)}, was ` +
            `${offsetInWords(was, scale)}${live.after === null ? ' by creation' : ''}`,
        ]),
    ...paused(live),
  ]
}

export function paused({job}: LiveRule): string[] {
  return job !== null && !job.scheduled ? [`job ${job.id} is paused`] : []
}

/** How the declared schedule differs from that of a live rule; `live` is null if there is none. */
export function scheduleDiffers(live: LiveRule | null, every: Duration): string[] {
  if (live === null) return [`every ${durationInWords(every)}`]
  if (live.schedule !== null && sameDuration(live.schedule, every)) return []
  return [`every ${durationInWords(every)}, was ${live.schedule === null ? 'not set' : durationInWords(live.schedule)}`]
}

/** The age of a live rule in a few words. */
export function ageInWords({after, createdBefore}: LiveRule, scale: Scale): string {
  const byCreation = after === null && createdBefore !== null
  return `${offsetInWords(after ?? createdBefore, scale)}${byCreation ? ' since creation' : ''}`
}

/** Age and schedule of a live rule as reports show them. */
export function ageText({after, createdBefore, schedule}: LiveRule, {scale}: TableState) {
  return {
    after: offsetText(after, scale),
    ...(createdBefore === null ? {} : {createdBefore: durationInWords(createdBefore)}),
    every: schedule === null ? null : durationInWords(schedule),
  }
}

/** An age in one cell of a table; `<age> since creation` if it counts from the creation of a chunk. */
export function ageCell({after, createdBefore}: RuleText): string {
  return after === null && createdBefore !== undefined
    ? `${String(createdBefore)} since creation`
    : String(after ?? dash)
}

/** An offset as text; integers of an unknown unit are shown as numbers. */
export function offsetText(offset: Offset | null, scale: Scale): string | null {
  return offset === null ? null : offsetInWords(offset, scale)
}

/** An offset as a value of the configuration; null if a configuration cannot express it. */
export function offsetInConfig(offset: Offset | null, state: TableState): string | null {
  if (offset === null) return null
  if (typeof offset !== 'bigint') return configurable(offset)
  return state.scale === 'unknown' ? null : lengthInConfig(offset, state)
}

/** A length on the table's scale as a value of the configuration; null if a configuration cannot express it. */
export function lengthInConfig(length: bigint, {scale}: TableState): string | null {
  const micros = scale === 'time' || scale === 'unknown' ? length : toMicros(length, scale)
  if (scale === 'ns' && fromMicros(micros, scale) !== length) return null
  return configurable(durationOfMicros(micros))
}

/** A duration as text, if the configuration parses it to the same duration; otherwise null. */
export function configurable(duration: Duration): string | null {
  const text = durationInWords(duration)
  try {
    const read = parseDuration(text)
    return sameDuration(read, duration) ? text : null
  } catch (error) {
    if (error instanceof OpsError) return null
    throw error
  }
}

/** Why a configuration cannot express the age of a live rule. */
export function ageReason({after, createdBefore}: LiveRule): string {
  if (after === null)
    return createdBefore === null ? 'its age cannot be read' : 'its age counts from the creation of a chunk'
  return typeof after === 'bigint'
    ? `its age is ${after} in integers of an unknown unit`
    : `its age is ${durationInWords(after)}`
}
